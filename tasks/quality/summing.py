"""What a look at a project's quality came to, in counts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tasks.connections import LiveProject
from tasks.quality.looking import Look
from tasks.shield import flow_run_id

FLOW = "data_quality"
_MOST_NAMED = 20


def summary_of(live: LiveProject, look: Look, *, dry_run: bool) -> dict[str, Any]:
    """Sum up a look; it is no full success where findings were left out or records were not to be seen."""
    said = list(_said(look))
    found = look.checks or look.compared.failed or any(asdict(look.settled).values())
    outcome = "partly" if said else "done" if found or look.records else "idle"
    summary: dict[str, Any] = {
        "study": live.study.study,
        "flow": FLOW,
        "outcome": "dry run" if dry_run else outcome,
        "dry_run": dry_run,
        "flow_run": flow_run_id(),
        "records": look.records,
        "rows_judged": look.rows,
        "letters": dict(look.letters),
        "checks": dict(look.checks),
        "accepted": look.accepted,
        "expectations": look.compared.results,
        "failing": dict.fromkeys([one.id for one in look.compared.failed[:_MOST_NAMED]], 1),
        "queries": asdict(look.settled),
        "answers": look.answers,
    }
    summary |= {"suite": look.compared.suite} if look.compared.suite else {}
    return summary | ({"reason": f"{' '.join(said)}"} if said else {})


def _said(look: Look) -> list[str]:
    said = []
    if look.settled.left_out:
        said.append(
            f"{look.settled.left_out:,} findings were left out: quality.queries.at_most queries are open. "
            "Settle some, or raise it."
        )
    if look.hidden:
        said.append(
            f"{look.hidden:,} records with queries are not to be seen any more; their queries were left "
            "as they are. Check the rights and the access group of the token."
        )
    return said
