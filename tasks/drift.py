"""Drift: what people redesigned in the project since the last run, and which flow must stop for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from capstan.errors import Refused, StudyError
from capstan.plan import KEY_NAMES
from capstan.project_names import Problem
from capstan.store import write_watermark
from capstan.study.check import check_study
from capstan.verdict import collected
from checks.drift import judge_drift, judge_places
from checks.redesign import Change, changes_between
from tasks.shield import effect, run_logger

if TYPE_CHECKING:
    from tasks.connections import LiveProject

# Parts of the study that only some flows use; what no flow uses is only compared with what a run writes.
_USED_BY = MappingProxyType(
    {
        "visits": ("compute_visit_dates", "poll_participants"),
        "tracking": ("compute_visit_dates", "poll_participants"),
        "eligibility": ("check_eligibility", "poll_participants"),
        "messaging": ("send_messages", "send_surveys", "check_deliveries", "check_replies"),
        "messages": ("send_messages", "send_surveys", "check_deliveries", "check_replies"),
        "inbound": ("check_replies",),
        "partners": ("check_partner_status",),
        "monitors": ("run_monitors",),
        "probes": ("run_monitors",),
        "triggers": ("ingest_triggers", "reconcile_triggers"),
        "writes": (),
    }
)


def list_changes(live: LiveProject) -> tuple[Change, ...]:
    """What changed in the project since the structure that was kept last."""
    return changes_between(live.last_structure, live.structure) if live.last_structure else ()


@effect("compare structure")
def note_changes(live: LiveProject, *, dry_run: bool, now: datetime) -> tuple[Change, ...]:
    """List what changed since the last run; keep the present structure if nothing of it can do harm.

    What can do harm is compared again by every run, until a person accepts it.
    """
    changes = list_changes(live)
    if changes:
        run_logger().warning("the project changed in %d places since the last run", len(changes))
    is_new = live.last_structure is None or bool(changes)
    if is_new and not dry_run and all(change.is_harmless for change in changes):
        _keep(live, now=now)
    return changes


@effect("accept changes")
def accept_changes(live: LiveProject, *, now: datetime) -> None:
    """Keep the present structure for runs to come; raises StudyError while the study does not fit it."""
    problems = check_study(live.study, dictionary=live.dictionary, grid=live.grid)
    if problems:
        raise StudyError(f"The study does not fit the project yet, nothing was accepted: {problems[0]}")
    _keep(live, now=now)


def problems_for(live: LiveProject, problems: Sequence[Problem], *, flow: str) -> list[Problem]:
    """Leave out the problems that a redesign brought and that concern other flows only."""
    if live.last_structure is None or not problems:
        return list(problems)
    then = live.last_structure
    old = {problem.place for problem in check_study(live.study, then.dictionary, grid=then.grid)}
    return [problem for problem in problems if problem.place in old or _concerns(problem.place, flow=flow)]


def refuse_drift(live: LiveProject, used: pd.DataFrame) -> None:
    """Refuse a run whose columns or places are not what they were at the last run.

    `used` is a frame that the run reads or wants to write, with export columns.
    """
    then = live.last_structure
    if then is None:
        return
    columns, places = map(str, used.columns), _places(live, used)
    stopped = collected(
        [
            judge_drift(columns, then=then.dictionary, now=live.dictionary),
            judge_places(places, then=then.grid, now=live.grid),
        ]
    )
    if len(stopped):
        raise Refused(_sentence(stopped, study=live.study.study))


def _keep(live: LiveProject, *, now: datetime) -> None:
    text, name = live.structure.to_text(), live.watermark("structure")
    write_watermark(live.store, live.study.study, name=name, value=text, now=now)


def _concerns(place: str, *, flow: str) -> bool:
    """Whether a flow uses the part of the study in which a place is."""
    part = re.split(r"[.\[]", place, maxsplit=1)[0]
    return part not in _USED_BY or flow in _USED_BY[part]


def _places(live: LiveProject, used: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """The (event, form) pairs that have a value; none where the events did not change."""
    if live.last_structure is None or live.last_structure.grid == live.grid:
        return
    columns = [str(name) for name in used.columns]
    # A table with a doubled column is refused by the gate, which says so.
    if len(set(columns)) < len(columns):
        return
    blank = pd.Series("", index=used.index)
    events = used.get(KEY_NAMES[0], blank)
    for name in columns:
        field = live.dictionary.by_column.get(name)
        if field:
            yield from ((str(event), field.form) for event in events[used[name] != ""].unique())


def _sentence(stopped: pd.DataFrame, *, study: str) -> str:
    first = stopped.iloc[0]
    place = f"{first['field']}: " if first["field"] else ""
    more = f", and {len(stopped) - 1} more changes" if len(stopped) > 1 else ""
    return (
        "What this run uses changed in the project since the last run "
        f"({place}{first['reason'][:-1]}{more}); nothing was written. Look at it in "
        f"REDCap, mend the study or the file where they must follow, then `capstan drift {study} --accept`."
    )
