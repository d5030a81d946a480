"""One attempt to send, as it is written down: what stands in which field of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from capstan.addresses import national_number
from capstan.choices import code_of_word
from capstan.delivery import Channel, is_final
from capstan.logic import Layout
from capstan.stamps import local_stamp

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.messages import MessageLog

# What a choice field without a choice for a status gets instead, the next best first. The last words of a
# message are never among them: a status on its way must not look like an end.
_NEXT_BEST: Mapping[str, tuple[str, ...]] = {
    "accepted": ("queued", "attempting"),
    "scheduled": ("accepted", "queued", "attempting"),
    "queued": ("accepted", "attempting"),
    "sending": ("queued", "accepted", "attempting"),
    "sent": ("sending", "queued", "attempting"),
    "unconfirmed": ("sent", "sending", "queued", "attempting"),
    "read": ("delivered",),
    "canceled": ("failed",),
}
# A code may ride on a message that did not fail, where it means nothing.
_FAILED = frozenset({"failed", "undelivered"})


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


@dataclass(frozen=True, eq=False)
class LogTexts:
    """Writes attempts as a project's fields take them."""

    study: Study
    layout: Layout

    def marks(self, trace: Trace, log: MessageLog) -> dict[str, str]:
        """By what an attempt is known again: field and text; a field that the log lacks is ""."""
        return {log.fields.sid: trace.sid, log.fields.sent_at: self._time(trace.sent_at, log.fields.sent_at)}

    def values(self, entry: Entry, log: MessageLog) -> dict[str, str]:
        """What stands in the fields of the log; a blank leaves a field as it is."""
        names = log.fields
        values = self.marks(entry.trace, log) | {
            names.number: self._address(entry, names.number),
            names.message: entry.text,
            names.status: self._word(entry.status, names.status),
            names.error_code: str(entry.code) if entry.code and entry.status in _FAILED else "",
            names.updated_at: self._time(entry.heard_at, names.updated_at),
        }
        if log.complete and is_final(entry.status, entry.channel):
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
