"""A live study whose triggers are worked on, and the items that REDCap would post for its forms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from live_study import LiveStudy, make_study
from trial_study import TODAY

from capstan.store import Store, keep_item, load_keys
from studies.demo.generate import project_xml

ROOT = Path(__file__).resolve().parents[2]
RULES = "triggers:\n  - {instrument: exam, starts: compute_visit_dates}\n"
EXAM = {"exam_date": "2026-05-20", "exam_complete": "2"}


def make_trigger_study(
    folder: Path, addresses: dict[str, Any], *, rules: str = RULES, participants: int = 12
) -> LiveStudy:
    """A project with the demo's visits and eligibility, and rules for triggers."""
    demo = (ROOT / "studies" / "demo" / "study.yaml").read_text(encoding="utf-8")
    body = "arms:" + demo.partition("\narms:")[2].partition("\nchecks:")[0] + f"\n{rules}"
    xml = project_xml(TODAY, participants=participants)
    return make_study(folder, name="trial", addresses=addresses, xml=xml, title="Trial", body=body)


@contextmanager
def store_of(study: LiveStudy) -> Iterator[Store]:
    """The study's own store."""
    with Store.open(f"sqlite:///{study.home / 'store.sqlite'}", load_keys(None, home=study.home)) as store:
        yield store


def follow_ups(study: LiveStudy) -> list[tuple[str, str]]:
    """Every participant with an arm, with the first follow-up event of that arm."""
    rows = study.call(content="record", format="json", fields="record_id,rand_color").json()
    arms = {row["record_id"]: row["rand_color"] for row in rows if row["rand_color"]}
    return [
        (record, f"6_month_arm_{arm}") for record, arm in sorted(arms.items(), key=lambda one: int(one[0]))
    ]


def save_form(addresses: dict[str, Any], study: LiveStudy, record: str, event: str, **values: str) -> None:
    """Somebody saves an exam on REDCap's own page."""
    body = {"record": record, "event": event, "form": "exam", "values": values or EXAM}
    url = f"{addresses['control_url']}projects/{study.project_id}/forms"
    requests.post(url, json=body, timeout=30).raise_for_status()


def posted(study: LiveStudy, record: str, event: str, /, **changes: str) -> dict[str, str]:
    """What REDCap posts after an exam was saved."""
    base = study.url.removesuffix("api/")
    form = {
        "redcap_url": base,
        "project_url": f"{base}redcap_v15.2.1/index.php?pid={study.project_id}",
        "project_id": str(study.project_id),
        "username": "site_admin",
        "record": record,
        "redcap_event_name": event,
        "instrument": "exam",
        "exam_complete": "2",
    }
    return {**form, **changes}


def keep(study: LiveStudy, form: dict[str, str], *, source: str = "redcap") -> None:
    """What the receiver does with a post."""
    with store_of(study) as store:
        keep_item(store, study=study.name, source=source, form=form, now=datetime.now(UTC))
