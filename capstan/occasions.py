"""Occasions: for whom, where and for what a message has a reason, before any rule removes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from capstan.arms import events_of_records, participant_arms
from capstan.expected_rows import ExpectedRows, with_expected_rows
from capstan.logic import Layout, parse
from capstan.plan import KEY_NAMES
from capstan.visits import compute_visits

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.messages import Message, VisitWhen

OCCASION_COLUMNS = ("record", "event", "instance", "occasion", "visit", "due", "opens", "closes", "row")
"""Text but for `row`, the place's row in the table; `visit` and its days are blank without a visit."""

ONCE = "once"
"""The occasion of a message to a participant in a classic project, or as a whole."""

_LACKS_ROW = -1


@dataclass(frozen=True, eq=False, repr=False)
class Export:
    """A keyed export of a study, the time at which it is judged, and what follows from both."""

    study: Study
    frame: pd.DataFrame
    layout: Layout
    now: datetime

    @cached_property
    def visits(self) -> pd.DataFrame:
        """Every participant's visits, as `compute_visits` lists them."""
        return compute_visits(self.study, self.frame, layout=self.layout, now=self.now)

    @cached_property
    def records(self) -> pd.Index[str]:
        """The records, in the order of the export."""
        found: pd.Index[str] = pd.Index(self.frame[self.layout.record_field].unique())
        return found

    def events_of(self, event: str) -> pd.Series[str]:
        """Each record's own event for a whole or partial name, without the records that have none."""
        arms, events = self.study.arms, self.layout.events
        assigned = participant_arms(
            self.frame, arms.assigned_by, record_field=self.layout.record_field, events=events
        )
        found = events_of_records(event, records=self.records, assigned=assigned, arms=arms, events=events)
        return found[found != ""] if events else found


def list_occasions(
    messages: Iterable[Message], export: Export
) -> tuple[ExpectedRows, Mapping[str, pd.DataFrame]]:
    """List the occasions of messages by message id (`OCCASION_COLUMNS`), and the table of their rows.

    A message without `when` and visit has none of its own: it is another's fallback.
    """
    listed = {message.id: _places(message, export) for message in messages if message.when or message.visit}
    places = pd.concat([_NOWHERE, *listed.values()])
    wanted = places.loc[places["row"] == _LACKS_ROW, ["record", "event"]]
    rows = with_expected_rows(export.frame, wanted, layout=export.layout)
    found = {}
    for message in messages:
        occasions = _with_rows(listed.get(message.id, _NOWHERE), rows)
        found[message.id] = _named(
            _reasons(occasions, message, rows, now=export.now), message, rows, now=export.now
        )
    return rows, found


_NOWHERE = pd.DataFrame({name: pd.Series(dtype="str") for name in OCCASION_COLUMNS}).astype({"row": "int64"})


def _places(message: Message, export: Export) -> pd.DataFrame:
    if message.visit:
        return _of_visit(message.visit, export)
    if message.event or not export.layout.events:
        return _of_event(message.event, export)
    return _of_participant(export)


def _of_visit(visit: VisitWhen, export: Export) -> pd.DataFrame:
    rows = export.visits
    chosen = rows[(rows["visit"] == visit.name) & rows["status"].isin(visit.status)]
    instance = ["1" if (event, "") in export.layout.repeating else "" for event in chosen["event"]]
    return _filled(chosen, instance=instance, occasion=visit.name)


def _of_event(event: str, export: Export) -> pd.DataFrame:
    """The event of each record, with or without data; the instances with data where the event repeats."""
    events = export.events_of(event)
    places = pd.DataFrame({"record": events.index, "event": events.to_numpy()})
    repeats = np.array([(name, "") in export.layout.repeating for name in places["event"]], dtype=bool)
    single = _filled(places[~repeats], occasion=places.loc[~repeats, "event"].replace("", ONCE))
    return pd.concat([single, _instances(places[repeats], export)])


def _instances(places: pd.DataFrame, export: Export) -> pd.DataFrame:
    frame = export.frame
    keys = [export.layout.record_field, KEY_NAMES[0]]
    saved = frame.loc[frame[KEY_NAMES[1]] == "", [*keys, KEY_NAMES[2]]].set_axis(
        ["record", "event", "instance"], axis=1
    )
    found = saved.reset_index(names="row").merge(places, on=["record", "event"])
    return _filled(found, occasion=found["event"] + " " + found["instance"])


def _of_participant(export: Export) -> pd.DataFrame:
    first = export.frame.drop_duplicates(export.layout.record_field)
    return _filled(
        pd.DataFrame({"record": first[export.layout.record_field], "row": first.index}), occasion=ONCE
    )


def _filled(
    places: pd.DataFrame, *, occasion: str | pd.Series[str], instance: list[str] | None = None
) -> pd.DataFrame:
    columns: dict[str, object] = {name: places.get(name, "") for name in OCCASION_COLUMNS}
    named = {"row": places.get("row", _LACKS_ROW), "occasion": occasion}
    chosen = {"instance": instance} if instance is not None else {}
    return pd.DataFrame({**columns, **named, **chosen}, index=places.index)


def _with_rows(occasions: pd.DataFrame, rows: ExpectedRows) -> pd.DataFrame:
    lacks = (occasions["row"] == _LACKS_ROW).to_numpy()
    found = rows.rows_of(occasions["record"], occasions["event"])
    return occasions.assign(row=np.where(lacks, found, occasions["row"])).reset_index(drop=True)


def _reasons(occasions: pd.DataFrame, message: Message, rows: ExpectedRows, *, now: datetime) -> pd.DataFrame:
    holds = rows.table.truth(parse(message.when), now=now, rows=pd.Index(occasions["row"]))
    return occasions[holds.to_numpy()]


def _named(occasions: pd.DataFrame, message: Message, rows: ExpectedRows, *, now: datetime) -> pd.DataFrame:
    """Name each occasion as the study's logic does; its own name stays where that is blank."""
    if not message.occasion:
        return occasions
    names = rows.table.evaluate(parse(message.occasion), now=now, rows=pd.Index(occasions["row"])).to_numpy()
    return occasions.assign(occasion=np.where(names == "", occasions["occasion"], names))
