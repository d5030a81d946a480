"""A small trial of three arms for the tests of visits, and a plain reference that judges record by record."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from capstan.logic import Layout
from capstan.study import Study

ARMS = {"1": "Baseline", "2": "Red", "3": "Green"}
EVENTS = tuple(
    (f"{label.lower().replace(' ', '_')}_arm_{arm}", label, int(arm), ARMS[arm])
    for label, arm in (
        ("Baseline", "1"),
        ("6 month", "2"),
        ("12 month", "2"),
        ("6 month", "3"),
        ("12 month", "3"),
    )
)
FOLLOW_UPS = tuple(name for name, *_ in EVENTS[1:])
FORM_OF = {
    "record_id": "info",
    "age": "info",
    "consent": "info",
    "info_complete": "info",
    "color": "allocation",
    "rand_date": "allocation",
    "allocation_complete": "allocation",
    "exam_date": "exam",
    "exam_complete": "exam",
    "due": "tracking",
    "opens": "tracking",
    "closes": "tracking",
    "state": "tracking",
    "pending": "tracking",
    "stamp": "tracking",
    "verdict": "tracking",
    "reasons": "tracking",
    "tracking_complete": "tracking",
}
STATES = {"1": "Not scheduled", "2": "Upcoming", "3": "Due", "4": "Overdue", "5": "Missed", "6": "Complete"}
LAYOUT = Layout(
    record_field="record_id",
    form_of=FORM_OF,
    checkboxes={"consent": {"1": "consent___1"}},
    choices={"state": STATES},
    events=EVENTS,
    designated=frozenset(
        {("baseline_arm_1", "info"), ("baseline_arm_1", "allocation")}
        | {(event, "exam") for event in FOLLOW_UPS}
        | {(event, "tracking") for event, *_ in EVENTS}
    ),
    forms={form: form for form in FORM_OF.values()},
    validation={"rand_date": "date_mdy", "stamp": "datetime_ymd"},
)
COLUMNS = (
    "record_id",
    "redcap_event_name",
    "redcap_repeat_instrument",
    "redcap_repeat_instance",
    "age",
    "consent___1",
    "color",
    "rand_date",
    "exam_date",
    "exam_complete",
    "due",
    "opens",
    "closes",
    "state",
    "pending",
    "stamp",
    "verdict",
    "reasons",
)
WRITE = {"due": "due", "opens": "opens", "closes": "closes", "status": "state"}
VISITS = (
    {
        "name": "6 month",
        "event": "6_month",
        "anchor": "[baseline_arm_1][rand_date]",
        "after": "6 months",
        "window": ["-14d", "+30d"],
        "done_when": "[exam_complete] = '2'",
        "write": WRITE,
    },
    {
        "name": "12 month",
        "event": "12_month",
        "anchor": "[baseline_arm_1][rand_date]",
        "after": "12 months",
        "window": ["-30d", "+60d"],
        "done_when": "[exam_complete] = '2'",
        "write": WRITE,
    },
)
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def study_of(**parts: object) -> Study:
    """The trial's study, with some parts replaced."""
    whole = {
        "study": "trial",
        "title": "Trial",
        "timezone": "America/Los_Angeles",
        "redcap": {
            "url": "http://127.0.0.1/api/",
            "token": {"env": "TRIAL"},
            "project": {"id": 1, "title": "Trial", "status": "development"},
        },
        "arms": {"shared": [1], "assigned_by": {"event": "baseline_arm_1", "field": "color"}},
        "visits": VISITS,
        "tracking": {"event": "baseline_arm_1", "pending_visit": "pending", "last_timestamp": "stamp"},
    }
    return Study.model_validate(whole | parts)


def frame_of(*rows: dict[str, str]) -> pd.DataFrame:
    """A keyed export of text; a row names what is not blank."""
    filled = [{column: row.get(column, "") for column in COLUMNS} for row in rows]
    return pd.DataFrame(filled, columns=list(COLUMNS), dtype="str")


def baseline(record: str, **values: str) -> dict[str, str]:
    """A participant's baseline row."""
    return {"record_id": record, "redcap_event_name": "baseline_arm_1", **values}


def follow_up(record: str, event: str, **values: str) -> dict[str, str]:
    """A participant's row at a later event."""
    return {"record_id": record, "redcap_event_name": event, **values}


def expected_visits(frame: pd.DataFrame, *, today: date) -> list[tuple[str, ...]]:
    """The trial's visits, judged one record after the other without any of the code under test."""
    rows = _base_rows(frame.to_dict("records"))
    found = []
    for record in dict.fromkeys(frame["record_id"]):
        base = rows.get((record, "baseline_arm_1"), {})
        if base.get("color") not in ("2", "3"):
            continue
        for name, months, before, after in (("6 month", 6, 14, 30), ("12 month", 12, 30, 60)):
            event = f"{name.replace(' ', '_')}_arm_{base['color']}"
            is_done = rows.get((record, event), {}).get("exam_complete") == "2"
            days = _days(base["rand_date"], months, before, after)
            shown = [day.isoformat() for day in days] or ["", "", ""]
            found.append((record, name, event, *shown, _word(days, is_done, today)))
    return found


def _base_rows(rows: list[dict[str, str]]) -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        if not row["redcap_repeat_instrument"] and not row["redcap_repeat_instance"]:
            found.setdefault((row["record_id"], row["redcap_event_name"]), row)
    return found


def _days(anchor: str, months: int, before: int, after: int) -> list[date]:
    try:
        start = date.fromisoformat(anchor)
    except ValueError:
        return []
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    due = date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
    return [due, due - timedelta(days=before), due + timedelta(days=after)]


def _word(days: list[date], is_done: bool, today: date) -> str:
    if is_done:
        return "complete"
    if not days:
        return "not scheduled"
    due, opens, closes = days
    if today < opens:
        return "upcoming"
    if today <= due:
        return "due"
    return "overdue" if today <= closes else "missed"
