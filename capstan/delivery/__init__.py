"""What became of a message at the provider: outcomes of an attempt, and statuses after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Channel(StrEnum):
    """The ways to reach a person."""

    SMS = "sms"
    EMAIL = "email"


class Outcome(StrEnum):
    """What one attempt to send came to. Source: section 1.4 of the messaging notes."""

    ACCEPTED = "accepted"  # the provider has it
    THROTTLED = "throttled"  # certainly not taken: the same again after a wait
    NOT_SENT = "not_sent"  # no connection was made: the same again
    REJECTED = "rejected"  # certainly not taken: this message or this address is at fault
    HALT = "halt"  # certainly not taken: our account, sender or configuration is at fault
    UNKNOWN = "unknown"  # it may have been taken: find out before anything else


@dataclass(frozen=True)
class Answer:
    """What one attempt to send came to, without any text of the provider's.

    `sid` is the provider's name of the message, `status` its first status, `code` Twilio's error code or
    SMTP's reply code, 0 where there is none. `detail` holds a type name at most. `left_at` is when its first
    byte left, where that is known.
    """

    outcome: Outcome
    sid: str = ""
    status: str = ""
    code: int = 0
    retry_after_seconds: float = 0
    segments: int = 0
    detail: str = ""
    left_at: datetime | None = field(default=None, compare=False)


UNCONFIRMED = "unconfirmed"
"""Our own word for a text whose end Twilio never told: some carriers send no receipt. A late one counts."""

_FAILED_RANK, _DELIVERED_RANK = 7, 8
_RANKS = {
    "accepted": 1,
    "scheduled": 1,
    "queued": 2,
    "sending": 3,
    "sent": 4,
    UNCONFIRMED: 5,
    "canceled": 6,
    "failed": _FAILED_RANK,
    "undelivered": _FAILED_RANK,
    "delivered": _DELIVERED_RANK,
    "read": 9,
}
FINAL_STATUSES = frozenset(status for status, rank in _RANKS.items() if rank >= _RANKS[UNCONFIRMED])
"""After these no further status of a text is waited for."""

_MAX_SWAPS = 2


def is_final(status: str, channel: Channel = Channel.SMS) -> bool:
    """Whether no further status is to be waited for; of a letter our mail server's word is the last one."""
    return status in FINAL_STATUSES or (channel is Channel.EMAIL and bool(status))


def may_follow(old: str, new: str, *, swaps: int = 0) -> bool:
    """Whether status `new` replaces `old` (blank: none yet), as callbacks come late and out of order.

    A later stage wins; a word that is not known changes nothing. Failed and delivered may replace each
    other once each way: `swaps` is how often they have. Source: section 3.3.
    """
    before, after = _RANKS.get(old, 0), _RANKS.get(new, 0)
    if {before, after} == {_FAILED_RANK, _DELIVERED_RANK}:
        return swaps < _MAX_SWAPS
    return after > before
