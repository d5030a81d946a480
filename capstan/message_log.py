"""The log of messages: what became of each attempt, as the rows that REDCap is to hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from capstan.addresses import national_number
from capstan.choices import code_of_word
from capstan.delivery import Channel, is_final
from capstan.logic import Layout
from capstan.plan import KEY_NAMES, KEYS, keyed
from capstan.stamps import local_stamp

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study_messages import MessageLog

# What a choice field without a choice for a status gets instead, the next best first. The last words of a
# message are never among them: a status on its way must not look like an end.
_NEXT_BEST: Mapping[str, tuple[str, ...]] = {
    "accepted": ("queued", "attempting"),
    "scheduled": ("accepted", "queued", "attempting"),
    "queued": ("accepted", "attempting"),
    "sending": ("queued", "accepted", "attempting"),
    "sent": ("sending", "queued", "attempting"),
    "read": ("delivered",),
    "canceled": ("failed",),
}
# A code may ride on a message that did not fail, where it means nothing.
_FAILED = frozenset({"failed", "undelivered"})
TAKEN = "These fields hold an earlier message, which is not overwritten; let the instrument repeat in REDCap."
NO_EVENT = "The participant has no event of this name, as long as no arm is assigned."


class Trace(NamedTuple):
    """By what an attempt is known again in REDCap."""

    sid: str
    sent_at: datetime


@dataclass(frozen=True)
class Entry:
    """One attempt, as it is to be written down.

    `message` is the id in the study file, `number` the outbox's. `instance` is the occasion's own,
    `chosen` the log's instance that was chosen before, "" if none; `is_confirmed` says that REDCap held it
    there. `traces` are those of all attempts of this message.
    """

    attempt: str
    number: int
    message: str
    channel: Channel
    event: str
    instance: str
    status: str
    code: int
    heard_at: datetime
    trace: Trace
    traces: tuple[Trace, ...]
    chosen: str
    is_confirmed: bool
    record: str = field(repr=False)
    address: str = field(repr=False)
    text: str = field(repr=False)


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
    desk = _Desk(study, layout, _by_place(present, record_field=layout.record_field))
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
    study: Study
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
            self.plan.rows[place] = self._values(entry, log)
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
        ours = [self._marks(trace, log) for trace in entry.traces]
        return bool(marks) and any(all(held.get(name, "") == one[name] for name in marks) for one in ours)

    def _marks(self, trace: Trace, log: MessageLog) -> dict[str, str]:
        return {log.fields.sid: trace.sid, log.fields.sent_at: self._time(trace.sent_at, log.fields.sent_at)}

    def _values(self, entry: Entry, log: MessageLog) -> dict[str, str]:
        names = log.fields
        values = self._marks(entry.trace, log) | {
            names.number: self._address(entry, names.number),
            names.message: entry.text,
            names.status: self._word(entry.status, names.status),
            names.error_code: str(entry.code) if entry.code and entry.status in _FAILED else "",
            names.updated_at: self._time(entry.heard_at, names.updated_at),
        }
        # A mail server's word is its last one.
        if log.complete and (is_final(entry.status) or entry.channel is Channel.EMAIL):
            values[f"{log.instrument}_complete"] = log.complete
        return {name: value for name, value in values.items() if name}

    def _address(self, entry: Entry, name: str) -> str:
        is_phone = entry.channel is Channel.SMS and self._validation(name).startswith("phone")
        return national_number(entry.address) if is_phone else entry.address

    def _time(self, moment: datetime, name: str) -> str:
        return local_stamp(moment, zone=self.study.zone, validation=self._validation(name))

    def _validation(self, name: str) -> str:
        return self.layout.validation.get(name, "")

    def _word(self, status: str, name: str) -> str:
        """A status as the field takes it; "" where a choice field has nothing like it."""
        choices = self.layout.choices.get(name)
        if not choices:
            return status
        codes = (code_of_word(word, choices) for word in (status, *_NEXT_BEST.get(status, ())))
        return next((code for code in codes if code is not None), "")


def _by_place(present: pd.DataFrame, *, record_field: str) -> dict[Place, dict[str, str]]:
    names = [str(name) for name in present.columns]
    rows = (dict(zip(names, line, strict=True)) for line in present.to_numpy(dtype=object).tolist())
    return {Place(*(row[name] for name in (record_field, *KEY_NAMES))): row for row in rows}
