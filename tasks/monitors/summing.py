"""What a run of monitors came to, in counts."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tasks.monitors.afterwards import CUT_OFF
from tasks.monitors.looking import DOWNLOADS, NOBODY
from tasks.monitors.watch import Watch
from tasks.shield import flow_run_id

FLOW = "run_monitors"


def summary_of(
    watch: Watch, *, opened: Counter[str], looks: Counter[str], commands: Counter[str], told: Counter[str]
) -> dict[str, Any]:
    """Sum up a run; it is no full success where a step had nobody to tell, or a command did not go well."""
    nobody, failed = looks.pop(NOBODY, 0), commands["failed"] + commands[CUT_OFF]
    downloads = looks.pop(DOWNLOADS, 0)
    has_moved = bool(opened or commands or downloads or set(looks) - {"looked at"})
    outcome = "partly" if nobody or failed else "done" if has_moved else "idle"
    said = ["nobody has an address for what is missing; fill notify.staff or notify.roles"] if nobody else []
    said += [f"{failed} commands did not go well; `capstan monitors list` shows them"] if failed else []
    summary: dict[str, Any] = {
        "study": watch.study.study,
        "flow": FLOW,
        "outcome": "dry run" if watch.dry_run else outcome,
        "dry_run": watch.dry_run,
        "flow_run": flow_run_id(),
        "opened": dict(opened),
        "waits": dict(looks),
        "downloads": downloads,
        "commands": dict(commands),
        "nobody_to_tell": nobody,
        "notices": dict(told),
    }
    return summary | ({"reason": f"{'; '.join(said)}."} if said else {})
