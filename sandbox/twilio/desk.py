"""What every action on messages works with: what is kept, the account, and now."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from sandbox.twilio.config import Config
from sandbox.twilio.database import Database
from sandbox.twilio.fates import Fate, digits_of, fate_of


@dataclass(frozen=True)
class Desk:
    """One action at one moment of the sandbox's clock (`now`, epoch seconds), inside a transaction.

    `site` is the sandbox's own address with its slash.
    """

    database: Database
    config: Config
    now: float
    site: str

    def new_sid(self, prefix: str) -> tuple[int, str]:
        """Return the next number and its sid, which is the same for the same seed."""
        number = self.database.messages.next_number()
        return number, make_sid(self.config.seed, prefix, number=str(number))

    def digits(self, phone: str) -> str:
        """Return the digits that stand for a phone's fate."""
        return self.database.phones.fate(phone) or digits_of(phone)

    def fate(self, phone: str) -> Fate:
        return fate_of(self.digits(phone))


def make_sid(seed: str, prefix: str, *, number: str) -> str:
    """Return a name of 34 characters as Twilio has them."""
    return prefix + hmac.new(seed.encode(), number.encode(), hashlib.sha256).hexdigest()[:32]
