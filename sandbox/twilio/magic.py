"""Numbers that Twilio answers in a known way: those of test credentials (2.6)."""

from __future__ import annotations

from sandbox.twilio.refusals import Refused

_ALLOWED = "+15005550006"
_SENDERS = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
_PHONES = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}


def check_magic(sender: str, phone: str) -> None:
    """Raise `Refused` for a number that stands for a refusal, whoever asks."""
    code = _SENDERS.get(sender) or _PHONES.get(phone)
    if code is not None:
        raise Refused(code)


def check_test_sender(sender: str) -> None:
    """Raise `Refused` for a number that test credentials may not send from."""
    if sender != _ALLOWED:
        raise Refused(21606)
