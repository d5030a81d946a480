"""Expected visits: when each is due, and how it stands today."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.arms import events_by_arm, events_of_records, participant_arms
from capstan.errors import StudyError
from capstan.expected_rows import ExpectedRows, with_expected_rows
from capstan.logic import Layout, parse
from capstan.periods import Dates, Period, read_dates, write_dates
from capstan.workdays import days_off, move_to_workday

if TYPE_CHECKING:
    from capstan.study import Study, Visit

__all__ = ["VISIT_COLUMNS", "Period", "VisitStatus", "compute_visits"]

VISIT_COLUMNS = ("record", "visit", "event", "due", "opens", "closes", "status")


class VisitStatus(StrEnum):
    """How one expected visit stands on a day."""

    NO_ANCHOR = "not scheduled"
    UPCOMING = "upcoming"
    DUE = "due"
    OVERDUE = "overdue"
    MISSED = "missed"
    COMPLETE = "complete"


_NO_PLACES = pd.DataFrame({"record": [], "event": []}, dtype="str")

PENDING = frozenset({VisitStatus.UPCOMING, VisitStatus.DUE, VisitStatus.OVERDUE})


def compute_visits(study: Study, frame: pd.DataFrame, *, layout: Layout, now: datetime) -> pd.DataFrame:
    """List every participant's visits: one row per record and visit, `VISIT_COLUMNS`, text, "" is blank.

    `frame` is a keyed export with at least the fields that the study's visits and arms name; `now` is
    aware, and its day in the study's zone is today. Records whose arm has no event for a visit, such as
    unrandomized ones, have no row for it. Anchor and `done_when` are evaluated on the visit's own event,
    also where that has no data yet; a visit without data is not complete. The window is around the day
    that the anchor gives; a due date that is moved off a holiday stays inside the window.
    Raises StudyError for an event that the project lacks and LogicError for logic that cannot be read.
    """
    records = pd.Index(frame[layout.record_field].unique())
    events = _expected_events(study, frame, layout=layout, records=records)
    local = now.astimezone(study.zone)
    wanted = [pd.DataFrame({"record": places.index, "event": places.to_numpy()}) for places in events]
    expected = with_expected_rows(frame, pd.concat([_NO_PLACES, *wanted]), layout=layout)
    none = pd.DataFrame({name: pd.Series(dtype="str") for name in VISIT_COLUMNS})
    found = [
        _visit_rows(visit, study=study, places=places, expected=expected, now=local)
        for visit, places in zip(study.visits, events, strict=True)
    ]
    listed = pd.concat([none, *found])
    order = np.argsort(records.get_indexer(pd.Index(listed["record"])), kind="stable")
    return listed.iloc[order].reset_index(drop=True).astype("str")


def judge_visits(
    *, due: Dates, opens: Dates, closes: Dates, done: npt.NDArray[np.bool_], today: np.datetime64
) -> npt.NDArray[np.object_]:
    """Give each visit's status; a NaT `due` is a visit without anchor."""
    rules = {
        VisitStatus.COMPLETE: done,
        VisitStatus.NO_ANCHOR: np.isnat(due),
        VisitStatus.UPCOMING: today < opens,
        VisitStatus.DUE: today <= due,
        VisitStatus.OVERDUE: today <= closes,
    }
    words = np.array([status.value for status in rules], dtype=object)
    judged = np.select(list(rules.values()), list(words), default=VisitStatus.MISSED.value)
    return np.asarray(judged, dtype=object)


def _expected_events(
    study: Study, frame: pd.DataFrame, *, layout: Layout, records: pd.Index[str]
) -> list[pd.Series[str]]:
    """For each visit of the study, the event by record, without the records that have none."""
    assigned = participant_arms(
        frame, study.arms.assigned_by, record_field=layout.record_field, events=layout.events
    )
    found = []
    for position, visit in enumerate(study.visits):
        _refuse_unknown_event(visit, place=f"visits[{position}].event", study=study, layout=layout)
        places = events_of_records(
            visit.event, records=records, assigned=assigned, arms=study.arms, events=layout.events
        )
        found.append(places[places != ""] if layout.events else places)
    return found


def _refuse_unknown_event(visit: Visit, *, place: str, study: Study, layout: Layout) -> None:
    if not layout.events:
        return
    by_arm = events_by_arm(visit.event, events=layout.events)
    if not by_arm:
        known = ", ".join(name for name, *_ in layout.events)
        raise StudyError(f"{place}: the project has no event {visit.event!r}; write one of: {known}.")
    if len(by_arm) > 1 and study.arms.assigned_by is None:
        raise StudyError(
            f"{place}: {visit.event!r} is in {len(by_arm)} arms and nothing says which is a participant's; "
            "give arms.assigned_by or the whole event name."
        )


def _visit_rows(
    visit: Visit, *, study: Study, places: pd.Series[str], expected: ExpectedRows, now: datetime
) -> pd.DataFrame:
    numbers = expected.rows_of(places.index, places)
    rows = pd.Index(numbers)
    anchor = read_dates(expected.table.evaluate(parse(visit.anchor), now=now, rows=rows))
    done = expected.table.truth(parse(visit.done_when), now=now, rows=rows).to_numpy(dtype=bool)
    days = _days_of(visit, anchor=anchor, study=study)
    status = judge_visits(
        **days, done=done & (numbers < expected.first_added), today=np.datetime64(now.date(), "D")
    )
    texts = {name: write_dates(day) for name, day in days.items()}
    columns = {"record": places.index, "visit": visit.name, "event": places.to_numpy()}
    return pd.DataFrame({**columns, **texts, "status": status}, columns=list(VISIT_COLUMNS))


def _days_of(visit: Visit, *, anchor: Dates, study: Study) -> dict[str, Dates]:
    nominal = visit.after.shift(anchor)
    opens, closes = (side.shift(nominal) for side in visit.window)
    due = nominal
    if visit.move != "never" and not np.isnat(nominal).all():
        years = nominal[~np.isnat(nominal)].astype("datetime64[Y]").astype(int) + 1970
        free = days_off(study.holidays, first_year=int(years.min()) - 1, last_year=int(years.max()) + 1)
        due = move_to_workday(nominal, rule=visit.move, free=free)
    if visit.window == (Period(), Period()):
        return {"due": due, "opens": due, "closes": due}
    return {"due": np.clip(due, opens, closes), "opens": opens, "closes": closes}
