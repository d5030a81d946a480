"""The telephone exchange: everything that a request, a control or a page may ask of the messages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.clock import Clock
from sandbox.twilio.asking import read_wanted
from sandbox.twilio.changing import change_message, delete_message
from sandbox.twilio.config import Config, change_config, read_config, write_config
from sandbox.twilio.creating import Created, Cut, create_message, create_test_message
from sandbox.twilio.database import Database
from sandbox.twilio.delivering import Delivering
from sandbox.twilio.desk import Desk
from sandbox.twilio.fates import Manner
from sandbox.twilio.faults import Faults
from sandbox.twilio.feed import Feed
from sandbox.twilio.happening import happen
from sandbox.twilio.messages import Filter, Message
from sandbox.twilio.reading import Reading
from sandbox.twilio.receiving import Inbound, receive
from sandbox.twilio.refusals import Refused
from sandbox.twilio.throttle import Throttle
from sandbox.twilio.timetable import Timetable
from sandbox.twilio.webhooks import Webhook


class Exchange:
    """One account with its messages, kept in a folder.

    `site` answers the sandbox's address with its slash; `advanced` is called when the clock was advanced.
    """

    def __init__(
        self, folder: Path, clock: Clock, *, site: Callable[[], str], advanced: Callable[[], object]
    ) -> None:
        self._file = folder / "twilio.json"
        self.config = read_config(self._file)
        self.clock, self._site = clock, site
        self.database = Database(folder / "twilio.sqlite3")
        self.reading = Reading(self.database)
        self.faults, self.throttle, self.feed = Faults(), Throttle(), Feed()
        self._delivering = Delivering(self.desk, clock.epoch, told=self._told)
        self._timetable = Timetable(self, clock, advanced=advanced)
        self._resume()

    def desk(self, now: float | None = None) -> Desk:
        """Return what an action works with; only inside a transaction of the database."""
        return Desk(self.database, self.config, self.clock.epoch() if now is None else now, self._site())

    def create(self, form: Sequence[tuple[str, str]], *, is_test: bool = False) -> Created:
        """Take a request for a message; raises `Refused` and `Cut`."""
        work, wanted = create_test_message if is_test else create_message, read_wanted(form)
        with self.database.transaction():
            created = _attempt(partial(work, self.desk(), wanted))
        if isinstance(created, Refused):
            created.names |= {"phone": wanted.phone, "sender": wanted.sender}
        if not isinstance(created, Created):
            raise created
        self._tell("message", created.message.sid)
        if created.manner is Manner.CALLED_FIRST:
            self._hurry(created.message.sid)
        self._timetable.wake()
        return created

    def find(self, sid: str, *, with_deleted: bool = False) -> Message | None:
        """Return a message as the API sees it: a deleted one is gone."""
        message = self.reading.message(sid)
        return None if message is None or (message.is_deleted and not with_deleted) else message

    def page(self, wanted: Filter, most: int) -> list[Message]:
        """Return the newest of the messages that are wanted."""
        with self.database.transaction():
            return self.database.messages.page(wanted, most=most)

    def change(self, sid: str, form: Mapping[str, str]) -> None:
        """Empty a message's body or call it off; raises `Refused`."""
        with self.database.transaction():
            message = self.database.messages.get(sid)
            webhooks = [] if message is None else change_message(self.desk(), message, form=form)
        for webhook in webhooks:
            self._delivering.post(webhook)

    def delete(self, sid: str) -> None:
        """Delete a message; raises `Refused` while it is on its way."""
        with self.database.transaction():
            message = self.database.messages.get(sid)
            if message is not None:
                delete_message(self.desk(), message)

    def line_type(self, phone: str) -> str:
        """Return what kind of line a number is."""
        with self.database.transaction():
            return "landline" if self.desk().fate(phone).is_landline else "mobile"

    def set_fate(self, phone: str, digits: str) -> None:
        """Give a phone the fate of other digits; '' gives it its own again."""
        with self.database.transaction():
            self.database.phones.set_fate(phone, digits)

    def look_at(self, phone: str) -> None:
        """Let all that has come to a phone be read by its owner."""
        with self.database.transaction():
            self.database.talks.look_at(phone)

    def receive(self, inbound: Inbound) -> Message:
        """Take what a person writes; the account is told in the background."""
        with self.database.transaction():
            message, webhook = receive(self.desk(), inbound)
        self._tell("inbound", message.sid)
        if webhook is not None:
            self._delivering.post(webhook)
        self._timetable.wake()
        return message

    def advance(self, seconds: float) -> int:
        """Let the clock jump ahead, with all that happens meanwhile and is told; returns how many events."""
        return self._timetable.advance(seconds)

    def clock_was_set(self, seconds: float) -> None:
        """Let what is due happen; put back (`seconds` below 0), the clock takes along what waits."""
        if seconds < 0:
            with self.database.transaction():
                self.database.events.shift(seconds)
                self.database.phones.shift(seconds)
        self._timetable.wake()

    def configure(self, changes: Mapping[str, Any]) -> Config:
        """Change some keys of the configuration, for good; raises `BadConfig`."""
        self.config = change_config(self.config, changes)
        write_config(self._file, self.config)
        return self.config

    def reset(self) -> None:
        """Forget messages, opt-outs, bad days and what was to happen; account, numbers and services stay."""
        self.faults.clear()
        self.configure({"limits": {}, "redaction": False})
        with self.database.transaction():
            self.database.clear()

    def next_due(self) -> float | None:
        """Return when the next event is due, in epoch seconds."""
        with self.database.transaction():
            event = self.database.events.first()
        return None if event is None else event.due

    def happen_next(self, until: float, *, sid: str = "") -> bool:
        """Let the next event happen that is due `until` then, of one message or of all, if there is one."""
        with self.database.transaction():
            event = self.database.events.first(sid)
            if event is None or event.due > until:
                return False
            webhooks = happen(self.desk(min(event.due, self.clock.epoch())), event)
        self._tell(event.kind.value, event.sid)
        for webhook in webhooks:
            self._delivering.post(webhook)
        return True

    def settle(self) -> None:
        """Wait until all webhooks that are due have been posted."""
        self._delivering.wait()

    def close(self) -> None:
        self._delivering.close()
        self._timetable.close()
        self.database.close()

    def _tell(self, kind: str, sid: str) -> None:
        self.feed.tell(kind, sid, at=self.clock.epoch())

    def _hurry(self, sid: str) -> None:
        """Let all happen to a message at once, and wait until it is told."""
        while self.happen_next(math.inf, sid=sid):
            pass
        self._delivering.wait_for(sid)

    def _resume(self) -> None:
        """Go on where a killed process stopped."""
        with self.database.transaction():
            waiting, has_events = self.database.webhooks.waiting(), self.database.events.first() is not None
        for webhook in waiting:
            self._delivering.post(webhook)
        if has_events:
            self._timetable.wake()

    def _told(self, webhook: Webhook) -> None:
        self._tell("webhook", webhook.sid)
        # An answer may have made messages of its own.
        self._timetable.wake()


def _attempt(work: Callable[[], Created]) -> Created | Refused | Cut:
    """Return a refusal as a value: what was counted on the way to it is to be kept."""
    try:
        return work()
    except (Refused, Cut) as refusal:
        return refusal
