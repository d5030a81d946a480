"""What people and judges may look at: the truth, whatever the API hides."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.twilio.database import Database
from sandbox.twilio.messages import Copies, Message
from sandbox.twilio.phones import OptOut
from sandbox.twilio.talks import Talk
from sandbox.twilio.webhooks import Webhook


class Pending(NamedTuple):
    """What is still to come: events, posts, and when the next event is due (epoch seconds)."""

    events: int
    webhooks: int
    next_due: float | None


class Reading:
    """Everything that is kept, to be read only; each answer is of one moment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def messages(self, phone: str = "") -> list[Message]:
        """Return the messages from and to a phone, or all, oldest first, deleted ones too."""
        with self._database.transaction():
            return self._database.messages.all(phone)

    def message(self, sid: str) -> Message | None:
        with self._database.transaction():
            return self._database.messages.get(sid)

    def copies(self) -> list[Copies]:
        """Count what the account sent by itself, by phone and text."""
        with self._database.transaction():
            return self._database.messages.copies()

    def webhooks(self) -> list[Webhook]:
        """Return every post with its tries, oldest first."""
        with self._database.transaction():
            return self._database.webhooks.all()

    def count_webhooks(self, sid: str) -> int:
        """Count the posts about one message, or about all for ''."""
        with self._database.transaction():
            return self._database.webhooks.count(sid)

    def page_of_webhooks(self, sid: str, *, start: int, most: int) -> list[Webhook]:
        """Return some of these posts, newest first."""
        with self._database.transaction():
            return self._database.webhooks.page(sid, start=start, most=most)

    def count_talks(self) -> int:
        with self._database.transaction():
            return self._database.talks.count()

    def page_of_talks(self, *, start: int, most: int) -> list[Talk]:
        """Return some conversations, the latest first."""
        with self._database.transaction():
            return self._database.talks.page(start=start, most=most)

    def size_of_talk(self, phone: str) -> int:
        """Count the messages from and to a phone."""
        with self._database.transaction():
            return self._database.talks.size(phone)

    def page_of_talk(self, phone: str, *, start: int, most: int) -> list[Message]:
        """Return some messages from and to a phone, oldest first."""
        with self._database.transaction():
            return self._database.talks.messages(phone, start=start, most=most)

    def opt_outs(self) -> list[OptOut]:
        with self._database.transaction():
            return self._database.phones.opt_outs()

    def fates(self) -> dict[str, str]:
        """Return the fates that were set by hand, by phone."""
        with self._database.transaction():
            return self._database.phones.fates()

    def last_sender_to(self, phone: str) -> tuple[str, str]:
        """Return the number and the service that last wrote to a phone, or two blanks."""
        with self._database.transaction():
            return self._database.messages.last_sender_to(phone)

    def last_due(self) -> float | None:
        """Return when the last event is due that is known of, in epoch seconds."""
        with self._database.transaction():
            return self._database.events.last_due()

    def pending(self) -> Pending:
        with self._database.transaction():
            event = self._database.events.first()
            waiting = len(self._database.webhooks.waiting())
            return Pending(self._database.events.count(), waiting, event.due if event else None)
