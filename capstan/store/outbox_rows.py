"""What callers get of the outbox, and the limits that they give it: frozen values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any, NamedTuple

from capstan.contact import OpenHours
from capstan.delivery import Channel
from capstan.message import MessageState
from capstan.store.connection import Store


class Mailroom(NamedTuple):
    """Whose outbox: one study in one project of one REDCap."""

    study: str
    host: str
    project_id: int


class Queued(NamedTuple):
    """What became of a plan: new messages to send, ones that were queued before, suppressed ones."""

    added: int
    known: int
    suppressed: int


@dataclass(frozen=True)
class Content:
    """What identifies people in a message; it is kept sealed, and never shown by repr."""

    record: str = field(repr=False)
    occasion: str = field(repr=False)
    address: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


@dataclass(frozen=True)
class Message:
    """One row of the outbox; `key` names the contact for ever, `rule` says why it is not sent.

    `content` is None once retention deleted it.
    """

    id: int
    key: str
    name: str
    run_id: str
    channel: Channel
    event: str
    instance: str
    language: str
    zones: str
    segments: int
    not_before: datetime
    not_after: datetime
    state: MessageState
    rule: str
    attempts: int
    planned_at: datetime
    changed_at: datetime
    content: Content | None


@dataclass(frozen=True)
class Attempt:
    """One try of a message: what it came to, and what the provider says of it since."""

    id: str
    message_id: int
    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    sid: str | None
    status: str
    code: int
    segments: int
    looks: int
    looked_at: datetime | None
    changed_at: datetime
    written_status: str | None
    written_to: str


class Try(NamedTuple):
    """An attempt with its message."""

    attempt: Attempt
    message: Message


class Slot(NamedTuple):
    """A sender's time for one message, which leaves as it `begins`, and not after `latest`.

    `cost` is how much later the next one is due.
    """

    begins: datetime
    latest: datetime
    cost: timedelta


@dataclass(frozen=True)
class Claimed:
    """A message that this worker alone may send now, in its slot.

    `id` is the attempt's, which goes to the provider; `sender` names the clock that gave the slot.
    """

    id: str
    sender: str
    slot: Slot
    message: Message
    content: Content

    @property
    def send_at(self) -> datetime:
        """When it is to leave, and not before."""
        return self.slot.begins


class Wait(NamedTuple):
    """Nothing may be sent before `until`, though something is waiting to be."""

    until: datetime


@dataclass(frozen=True)
class Pace:
    """How fast a sender may go, in segments per second; `sender` names it for all studies alike.

    Messages are due at `share` of the rate: the rest lets those that leave late catch up.
    """

    sender: str
    segments_per_second: float
    share: float = 0.97

    @property
    def most(self) -> int:
        """The segments that may leave within `period_seconds`."""
        return ceil(self.segments_per_second)

    @property
    def period_seconds(self) -> float:
        """A second; a little more where the rate is no whole number."""
        return self.most / self.segments_per_second

    def seconds_for(self, segments: int) -> float:
        """How long a sender is busy with a message."""
        return max(segments, 1) / (self.segments_per_second * self.share)


@dataclass(frozen=True)
class Caps:
    """Limits that a claim looks at; days and weeks are the last 24 hours and 7 days.

    The participant's limits hold for the record and for the address alike, over all channels. What texts
    cost since `month_began` must stay below the budget (0: there is none). Without `hours` every hour is
    open.
    """

    per_run: int = 500
    per_day: int = 1000
    participant_per_day: int = 3
    participant_per_week: int = 10
    minutes_between: int = 30
    failed_share: float = 0.2
    budget_per_month: float = 0
    price_per_segment: float = 0
    month_began: datetime | None = None
    hours: OpenHours | None = None


def seal_content(store: Store, content: Content) -> bytes:
    """Encrypt what identifies people."""
    return store.keys.seal(json.dumps(vars(content)).encode())


def to_message(store: Store, row: Any) -> Message:
    """Make a Message of a row of the table `message`."""
    values = {name: row[name] for name in Message.__annotations__ if name != "content"}
    content = Content(**json.loads(store.keys.unseal(row["sealed"]))) if row["sealed"] else None
    kinds = {"channel": Channel(row["channel"]), "state": MessageState(row["state"])}
    return Message(**{**values, **kinds, "content": content})


def to_attempt(row: Any, prefix: str = "") -> Attempt:
    """Make an Attempt of a row of the table `attempt`, whose columns may have a prefix."""
    return Attempt(**{name: row[prefix + name] for name in Attempt.__annotations__})
