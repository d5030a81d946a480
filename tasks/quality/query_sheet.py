"""The query instrument: the rows that REDCap should hold of queries, and what staff typed there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from capstan.arms import events_of_records, participant_arms
from capstan.choices import code_of_word
from capstan.plan import KEY_NAMES, compare, keyed
from capstan.query import Happened, QueryState
from capstan.stamps import local_stamp
from capstan.store.queries import answer_query, list_queries, read_events
from capstan.store.query_rows import Query, QueryEvent
from capstan.study.quality_queries import QueryInstrument
from checks.case import Present
from tasks.connections import LiveProject
from tasks.form_links import form_links
from tasks.messages.queueing import room_of
from tasks.shield import effect, run_logger

IN_REDCAP = "REDCap"
Row = dict[str, str]


@dataclass(frozen=True, eq=False, repr=False)
class Sheet:
    """What the query instrument should hold, what it holds, and whether the two differ."""

    wanted: pd.DataFrame
    present: Present
    is_new: bool


@effect("read answers")
def read_answers(live: LiveProject, *, export: pd.DataFrame, now: datetime) -> int:
    """Take what staff typed into the query instrument as the answers of queries; returns how many are new."""
    instrument = _instrument(live)
    if instrument is None or not instrument.fields.answer:
        return 0
    own = _own_rows(live, _queries(live), frame=export)
    events = _by_query(read_events(live.store, list(own)))
    new = 0
    for number, (query, row) in own.items():
        text = row[instrument.fields.answer].strip()
        said = {event.text for event in events.get(number, ()) if event.happened is Happened.ANSWERED}
        if text and text not in said and query.state in (QueryState.OPEN, QueryState.ANSWERED):
            answer_query(live.store, room_of(live.study), number, text=text, by=IN_REDCAP, now=now)
            new += 1
    run_logger().info("%d answers were typed into REDCap", new)
    return new


@effect("plan the query instrument")
def plan_sheet(live: LiveProject, *, export: pd.DataFrame) -> Sheet:
    """Say what the query instrument should hold of all queries of records that REDCap has."""
    queries, frame, records = _queries(live), export, frozenset(export[live.dictionary.record_field])
    there = [query for query in queries if query.record in records]
    wanted = _Writer(live, frame, _own_rows(live, there, frame=frame)).write(there)
    changes = compare(wanted, present=frame, record_field=live.dictionary.record_field)
    run_logger().info("%d queries have news for REDCap, in %d cells", len(wanted), len(changes))
    return Sheet(wanted, Present(frame, records), bool(len(changes)))


@dataclass
class _Writer:
    live: LiveProject
    frame: pd.DataFrame
    own: Mapping[int, tuple[Query, Row]]
    highest: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def write(self, queries: Iterable[Query]) -> pd.DataFrame:
        """The rows as a keyed frame of text, in which a blank leaves a cell as it is."""
        name = self.live.dictionary.record_field
        columns = [name, *KEY_NAMES]
        for held in self.frame[columns].to_numpy(dtype=object).tolist():
            self._count(*held)
        listed = sorted(queries, key=lambda query: query.id)
        answers = _by_query(read_events(self.live.store, [query.id for query in listed]))
        events = _events(self.live, self.frame, queries=listed)
        rows = []
        for query in listed:
            place = self._place(query, event=events.get(query.record, "") or query.event)
            if place:
                values = _values(self.live, query, events=answers.get(query.id, ()))
                rows.append({**dict(zip(columns, place, strict=True)), **values})
        return (
            keyed(pd.DataFrame(rows, dtype="str").fillna(""), record_field=name) if rows else self.frame[:0]
        )

    def _place(self, query: Query, *, event: str) -> tuple[str, ...]:
        """Where a query stands already, or else the next free instance; nowhere for one that is over."""
        instrument = _instrument(self.live)
        if query.id in self.own:
            row = self.own[query.id][1]
            return tuple(row[name] for name in (self.live.dictionary.record_field, *KEY_NAMES))
        if instrument is None or query.state is QueryState.CLOSED:
            return ()
        grid = self.live.grid
        form = instrument.name if (event, instrument.name) in grid.repeating else ""
        if (event, instrument.name) not in grid.designated or not (form or (event, "") in grid.repeating):
            return ()
        return (query.record, event, form, str(self._count(query.record, event, form, "")))

    def _count(self, record: str, event: str, form: str, instance: str) -> int:
        highest = self.highest[record, event, form]
        self.highest[record, event, form] = max(highest, int(instance)) if instance else highest + 1
        return self.highest[record, event, form]


def _values(live: LiveProject, query: Query, *, events: Iterable[QueryEvent]) -> Row:
    instrument = _instrument(live)
    if instrument is None:
        return {}
    names, layout = instrument.fields, live.layout
    answers = [event.text for event in events if event.happened is Happened.ANSWERED and event.text]
    stamp = local_stamp(
        query.opened_at, zone=live.study.zone, validation=layout.validation.get(names.opened, "")
    )
    choices = layout.choices.get(names.state)
    state = query.state.value
    values = {
        names.number: str(query.id),
        names.check: query.check,
        names.form: query.form,
        names.field: query.field,
        names.reason: query.reason,
        names.severity: query.severity,
        names.state: (code_of_word(state, choices) or "") if choices else state,
        names.opened: stamp,
        names.link: form_links(live).link(query.place),
        names.answer: answers[-1] if answers else "",
    }
    return {name: value for name, value in values.items() if name}


def _own_rows(
    live: LiveProject, queries: Iterable[Query], *, frame: pd.DataFrame
) -> dict[int, tuple[Query, Row]]:
    """The row of each query that the instrument has already, by number.

    A row that names another check or field is of a store that was lost, and is left alone.
    """
    instrument = _instrument(live)
    if instrument is None:
        return {}
    names, record_field = instrument.fields, live.dictionary.record_field
    known = {(query.record, str(query.id)): query for query in queries}
    found: dict[int, tuple[Query, Row]] = {}
    for line in frame[frame[names.number] != ""].to_dict("records"):
        row = {str(name): str(value) for name, value in line.items()}
        query = known.get((row[record_field], row[names.number]))
        if query and all(
            row.get(name, "") in ("", said) for name, said in _told(names.check, names.field, query)
        ):
            found.setdefault(query.id, (query, row))
    return found


def _told(check: str, field_name: str, query: Query) -> tuple[tuple[str, str], ...]:
    return ((check, query.check), (field_name, query.field))


def _queries(live: LiveProject) -> list[Query]:
    """The queries that have a record, also those that are closed: REDCap should know that they are."""
    every = list_queries(live.store, room_of(live.study), states=tuple(QueryState))
    return [query for query in every if query.record]


def _events(live: LiveProject, frame: pd.DataFrame, *, queries: Iterable[Query]) -> dict[str, str]:
    """The event of the instrument by record, where the study names one."""
    instrument, study = _instrument(live), live.study
    records = pd.Index(sorted({query.record for query in queries}), dtype="str")
    if instrument is None or not instrument.event or not live.grid.is_longitudinal:
        return {}
    assigned = participant_arms(
        frame, study.arms.assigned_by, record_field=live.layout.record_field, events=live.layout.events
    )
    found = events_of_records(
        instrument.event, records=records, assigned=assigned, arms=study.arms, events=live.layout.events
    )
    return {str(record): str(event) for record, event in found.items()}


def _instrument(live: LiveProject) -> QueryInstrument | None:
    return live.study.quality.queries.instrument


def _by_query(events: Iterable[QueryEvent]) -> dict[int, list[QueryEvent]]:
    found: dict[int, list[QueryEvent]] = {}
    for event in events:
        found.setdefault(event.query, []).append(event)
    return found
