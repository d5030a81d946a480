"""An exchange with its clock stopped, and what tests ask of it without HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.clock import Clock
from sandbox.twilio import Exchange
from sandbox.twilio.refusals import Refused

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NUMBER, TOLL_FREE, SHORT = "+15005550006", "+18885550100", "55500"
# Nobody is called there: the host is not allowed, but what would be posted is kept.
CALLBACK = "https://study.example.org/status?m=7"


@dataclass
class TwilioDesk:
    exchange: Exchange
    clock: Clock

    @property
    def service(self) -> str:
        return self.exchange.config.services[0].sid

    def create(self, phone: str = "+12065550100", **fields: str) -> str:
        """Send a message and return its sid; parameters are spelled as Twilio's."""
        sender = {} if "MessagingServiceSid" in fields else {"From": NUMBER}
        form = {"To": phone, "Body": "Hello", "StatusCallback": CALLBACK, **sender, **fields}
        return self.exchange.create(list(form.items())).message.sid

    def refusal(self, phone: str = "+12065550100", **fields: str) -> int:
        """Return the code with which a request is refused, 0 for none."""
        try:
            self.create(phone, **fields)
        except Refused as refused:
            return refused.code
        return 0

    def status(self, sid: str) -> tuple[str, int]:
        message = self.exchange.find(sid)
        assert message is not None
        return message.status, message.code

    def told(self, sid: str) -> list[str]:
        """Return the statuses that were called back, in order."""
        webhooks = self.exchange.reading.webhooks()
        return [one.fields["MessageStatus"] for one in webhooks if one.sid == sid]


@contextmanager
def open_desk(folder: Path) -> Iterator[TwilioDesk]:
    clock = Clock()
    clock.freeze(NOON)
    exchange = Exchange(folder, clock, site=lambda: "http://127.0.0.1:1/", advanced=lambda: None)
    try:
        yield TwilioDesk(exchange, clock)
    finally:
        exchange.close()
