"""Moments as Twilio spells and reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime


def spell(epoch: float | None) -> str | None:
    """Return a moment as RFC 2822 has it; always with +0000, for clients ignore any other offset."""
    return None if epoch is None else format_datetime(datetime.fromtimestamp(int(epoch), UTC))


def iso(epoch: float) -> str:
    """Return a moment as ISO 8601 has it."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def receipt_stamp(epoch: float) -> str:
    """Return a moment as a carrier's receipt has it: YYMMDDhhmm."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%y%m%d%H%M")


def read_moment(text: str) -> float:
    """Read a moment or a day in epoch seconds; without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    try:
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except OverflowError as error:
        raise ValueError("out of range") from error
