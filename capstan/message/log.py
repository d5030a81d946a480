"""The log of messages: what became of each attempt, as the rows that REDCap is to hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from capstan.log_entry import Entry, LogTexts
from capstan.logic import Layout
from capstan.plan import KEY_NAMES, KEYS, keyed

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.messages import MessageLog

TAKEN = "These fields hold an earlier message, which is not overwritten; let the instrument repeat in REDCap."
NO_EVENT = "The participant has no event of this name, as long as no arm is assigned."


class Place(NamedTuple):
    """One row of the project; the order is that of `KEYS`."""

    record: str
    event: str
    instrument: str = ""
    instance: str = ""


@dataclass
class LogPlan:
    """The rows for a log: values by place, the place of each attempt, and those that cannot be written."""

    rows: dict[Place, dict[str, str]] = field(default_factory=dict, repr=False)
    places: dict[str, Place] = field(default_factory=dict, repr=False)
    refused: dict[str, list[Place]] = field(default_factory=dict, repr=False)

    def wanted(self, *, record_field: str) -> pd.DataFrame:
        """The rows as a keyed frame of text, in which a blank leaves a cell as it is."""
        keys = (record_field, *KEY_NAMES)
        lines = [{**dict(zip(keys, place, strict=True)), **values} for place, values in self.rows.items()]
        return keyed(pd.DataFrame(lines, dtype="str").fillna(""), record_field=record_field)

    def refusals(self, reason: str) -> pd.DataFrame:
        """The places of `KEYS` that cannot be written for a reason."""
        return pd.DataFrame(self.refused.get(reason, []), columns=list(KEYS), dtype="str")


def plan_log(
    study: Study,
    entries: Sequence[Entry],
    *,
    present: pd.DataFrame,
    layout: Layout,
    events: Mapping[tuple[str, str], str],
) -> LogPlan:
    """Say which rows REDCap should hold of some attempts, oldest first.

    `present` is a keyed export of their records with the logs' fields; `events` gives the unique event by
    record and event name of the log. Where the instrument repeats, an attempt gets the next free instance,
    and keeps it; where it does not, the fields of an earlier message are left alone.
    """
    desk = _Desk(LogTexts(study, layout), layout, _by_place(present, record_field=layout.record_field))
    logs = {message.id: message.log for message in study.messages}
    # Those with an instance of their own go first, so that no other takes it.
    for entry in sorted(entries, key=lambda one: not one.chosen):
        log = logs.get(entry.message)
        if log is not None:
            event = events[entry.record, log.event] if log.event else entry.event
            desk.write_down(entry, log, event=event)
    return desk.plan


@dataclass
class _Desk:
    texts: LogTexts
    layout: Layout
    held: dict[Place, dict[str, str]]
    plan: LogPlan = field(default_factory=LogPlan)
    owners: dict[Place, int] = field(default_factory=dict)
    highest: Counter[Place] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Find the highest instance of everything that repeats."""
        for place in self.held:
            self._count(place)

    def write_down(self, entry: Entry, log: MessageLog, *, event: str) -> None:
        place = self._place(entry, log, event=event)
        if self.layout.events and not event:
            self.plan.refused.setdefault(NO_EVENT, []).append(place)
        elif self._is_free(place, entry, log):
            self.owners[place] = entry.number
            self._count(place)
            self.plan.rows[place] = self.texts.values(entry, log)
            self.plan.places[entry.attempt] = place
        else:
            self.plan.refused.setdefault(TAKEN, []).append(place)

    def _place(self, entry: Entry, log: MessageLog, *, event: str) -> Place:
        repeating = self.layout.repeating
        if (event, log.instrument) in repeating:
            return self._instance(Place(entry.record, event, log.instrument), entry, log)
        if (event, "") not in repeating:
            return Place(entry.record, event)
        if log.new_instance:
            return self._instance(Place(entry.record, event), entry, log)
        return Place(entry.record, event, "", entry.instance)

    def _instance(self, row: Place, entry: Entry, log: MessageLog) -> Place:
        """The instance that was chosen before, unless somebody else has used it since; else the next one."""
        before = row._replace(instance=entry.chosen)
        if entry.chosen and self._is_free(before, entry, log):
            return before
        return row._replace(instance=str(self.highest[row] + 1))

    def _count(self, place: Place) -> None:
        row = place._replace(instance="")
        self.highest[row] = max(self.highest[row], int(place.instance or 0))

    def _is_free(self, place: Place, entry: Entry, log: MessageLog) -> bool:
        """Whether a row holds nothing of another message, in REDCap or in this plan."""
        if place in self.owners:
            return self.owners[place] == entry.number
        names = [name for name in log.fields.model_dump().values() if name]
        held = self.held.get(place, {})
        is_own = entry.is_confirmed and bool(place.instance) and place.instance == entry.chosen
        if is_own or not any(held.get(name) for name in names):
            return True
        marks = [name for name in (log.fields.sid, log.fields.sent_at) if name]
        ours = [self.texts.marks(trace, log) for trace in entry.traces]
        return bool(marks) and any(all(held.get(name, "") == one[name] for name in marks) for one in ours)


def _by_place(present: pd.DataFrame, *, record_field: str) -> dict[Place, dict[str, str]]:
    names = [str(name) for name in present.columns]
    rows = (dict(zip(names, line, strict=True)) for line in present.to_numpy(dtype=object).tolist())
    return {Place(*(row[name] for name in (record_field, *KEY_NAMES))): row for row in rows}
