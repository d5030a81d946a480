"""Senders: what a claimed message becomes on its way to Twilio, or to the mail server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from capstan.contact import OpenHours, valid_seconds
from capstan.delivery import Answer
from capstan.messaging import Mail, Mailer, Text, Twilio
from capstan.messaging.receipts import MAX_VALID_SECONDS
from capstan.store import LEASE, Claimed


@dataclass(frozen=True)
class TextSender:
    """Texts through Twilio, each held back until its slot begins.

    `public_url` is where callbacks reach us, blank where nothing does.
    """

    twilio: Twilio
    public_url: str = ""
    hours: OpenHours | None = None

    def send(self, claimed: Claimed, *, now: datetime) -> Answer:
        """Post the text, once; it waits at Twilio no longer than it may still arrive."""
        url = f"{self.public_url}/twilio/status?m={claimed.id}" if self.public_url else ""
        valid = self._valid_seconds(claimed, now=now)
        said, begins = claimed.content, claimed.slot.begins
        # The connection is made ready before the slot begins.
        return self.twilio.send(
            Text(claimed.id, said.address, said.text, url, valid, begins, begins + LEASE / 2)
        )

    def _valid_seconds(self, claimed: Claimed, *, now: datetime) -> int:
        zones, not_after = claimed.message.zones.split(), claimed.message.not_after
        if self.hours is None or not zones:
            return min(MAX_VALID_SECONDS, int((not_after - now).total_seconds()))
        return valid_seconds(now, not_after=not_after, zones=zones, hours=self.hours)


@dataclass(frozen=True)
class LetterSender:
    """Letters through the study's mail server; `unsubscribe` is the address for leaving."""

    mailer: Mailer
    unsubscribe: str = ""

    def send(self, claimed: Claimed, *, now: datetime) -> Answer:  # noqa: ARG002
        """Hand the letter over, once; all attempts of a message are known as one by its Message-ID."""
        said = claimed.content
        letter = Mail(claimed.message.key, said.address, said.subject, said.text, said.html, self.unsubscribe)
        return self.mailer.send(letter)
