"""What each error code of Twilio, and each reply code of a mail server, asks of us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo


class Action(StrEnum):
    """What an error asks of us. Source: section 2.7."""

    RETRY = "retry"  # the same message again after a wait
    LATER = "later"  # a new attempt hours later, within the message's own window
    BAD_ADDRESS = "bad_address"  # the address is unusable: tell staff, try the other channel
    STOP = "stop"  # nothing more to this address until the person asks for it
    FIX = "fix"  # hold this template and tell staff
    HALT = "halt"  # stop the channel and call somebody
    BUDGET = "budget"  # wait until the day's allowance is renewed
    ASK = "ask"  # staff look at it; nothing is sent again by itself
    EXPIRED = "expired"  # too late: plan again or drop
    NONE = "none"  # nothing to do


@dataclass(frozen=True)
class CodeRule:
    """What one error code means and asks for.

    `retries` is how often the message may be tried again, first after `wait`. `then` follows: once the
    retries are used up, and at once where there are none. `slows_channel` says that all messages of the
    channel shall wait; at `stops_at` of the code within three days the channel stops, 0 for never.
    """

    meaning: str
    action: Action
    retries: int = 0
    wait: timedelta = timedelta(0)
    then: Action = Action.NONE
    slows_channel: bool = False
    stops_at: int = 0


_HOURS = timedelta(hours=4)
_GREYLIST = timedelta(minutes=15)
_GREYLIST_PATIENCE = timedelta(days=2)


def _later(
    meaning: str, *, retries: int = 2, wait: timedelta = _HOURS, slows_channel: bool = False
) -> CodeRule:
    return CodeRule(meaning, Action.LATER, retries, wait, Action.ASK, slows_channel)


def _greylisted(meaning: str, *, slows_channel: bool = False) -> CodeRule:
    retries = _GREYLIST_PATIENCE // _GREYLIST
    return CodeRule(meaning, Action.RETRY, retries, _GREYLIST, Action.ASK, slows_channel)


_TWILIO: tuple[tuple[tuple[int, ...], CodeRule], ...] = (
    ((20003,), CodeRule("credentials refused or account suspended", Action.HALT)),
    ((20005, 10001), CodeRule("account not active, often for want of money", Action.HALT)),
    ((20006, 20008), CodeRule("not allowed, or test credentials", Action.HALT)),
    ((20009,), CodeRule("not finished yet, so not deleted", Action.RETRY, 5, timedelta(minutes=1))),
    ((20404,), CodeRule("wrong account or address of the service", Action.HALT)),
    (
        (20429,),
        CodeRule("too many calls at once", Action.RETRY, 10, timedelta(seconds=1), slows_channel=True),
    ),
    ((20500, 20503), CodeRule("Twilio failed inside; it may have the message", Action.NONE)),
    ((21211,), CodeRule("not a valid number", Action.BAD_ADDRESS)),
    ((21212, 21606, 21659, 21660, 21661), CodeRule("the sender is not ours or cannot text", Action.HALT)),
    ((21408,), CodeRule("country not enabled", Action.ASK)),
    ((21602, 21603, 21604), CodeRule("text, sender or recipient missing", Action.FIX)),
    ((21608,), CodeRule("trial account: number not verified", Action.HALT)),
    ((21609,), CodeRule("address for callbacks refused", Action.HALT)),
    ((21610,), CodeRule("opted out", Action.STOP)),
    ((21611,), _later("the sender's queue is full", slows_channel=True)),
    ((21612,), CodeRule("no route from this sender", Action.BAD_ADDRESS, then=Action.ASK)),
    ((21614, 21635), CodeRule("not a mobile number", Action.BAD_ADDRESS)),
    ((21617,), CodeRule("longer than 1600 characters", Action.FIX)),
    ((21618, 21619), CodeRule("content refused, or nothing to send", Action.FIX)),
    ((21701, 21703, 21704, 21705), CodeRule("messaging service missing or without sender", Action.HALT)),
    ((30001,), _later("queue overflow", slows_channel=True)),
    ((30002,), CodeRule("account suspended", Action.HALT)),
    ((30003,), _later("phone off or out of range")),
    ((30004,), CodeRule("blocked, or opted out of a toll-free sender", Action.STOP, then=Action.ASK)),
    ((30005,), CodeRule("unknown phone", Action.BAD_ADDRESS)),
    ((30006,), CodeRule("landline or unreachable carrier", Action.BAD_ADDRESS)),
    ((30007,), CodeRule("filtered as spam", Action.FIX, stops_at=3)),
    ((30008,), _later("not delivered for an unknown reason", retries=1)),
    ((30009,), CodeRule("a part of a reply is missing; ask the participant to resend", Action.ASK)),
    ((30017, 30022), _later("congestion, or above the carrier's rate", slows_channel=True)),
    ((30023, 30025, 30026, 30027), CodeRule("carrier's daily cap", Action.BUDGET)),
    ((30019,), CodeRule("content too large", Action.FIX)),
    ((30018, 30024), CodeRule("sender not provisioned for that country", Action.HALT)),
    ((30032, 30033, 30034, 30035), CodeRule("sender or campaign not registered", Action.HALT)),
    ((30036,), CodeRule("waited too long in the queue", Action.EXPIRED)),
    ((30047, 30610), _later("quiet hours at the provider")),
    ((30640,), CodeRule("known litigator", Action.STOP, then=Action.ASK)),
    ((30410,), _later("the carrier gave no answer in time", retries=1)),
    ((30450,), _later("blocked for suspected fraud", wait=timedelta(minutes=30), slows_channel=True)),
    ((30500,), _later("failed inside Twilio")),
    (
        (35111, 35114, 35115, 35116, 35117, 35118, 35125),
        CodeRule("scheduling parameters refused", Action.FIX),
    ),
    ((63038,), CodeRule("the account's daily cap", Action.BUDGET)),
    ((14107,), CodeRule("two machines answer each other; do not answer by itself", Action.ASK)),
    ((11200, 11205, 11206, 11210, 12100, 12300), CodeRule("our webhook failed", Action.ASK)),
)

# Section 6. The mail adapter reports 554 for every refusal of what was written and not of whom it was for,
# and 421 for every one of all letters for now.
_SMTP: tuple[tuple[tuple[int, ...], CodeRule], ...] = (
    ((421, 432), _greylisted("the mail server takes nothing for now", slows_channel=True)),
    ((530, 534, 535, 538), CodeRule("the mail server refused our login", Action.HALT)),
    ((552, 554), CodeRule("the mail server refused the message", Action.ASK)),
)

CODES: Mapping[int, CodeRule] = MappingProxyType(
    {code: rule for codes, rule in (*_TWILIO, *_SMTP) for code in codes}
)

_NOTHING = CodeRule("", Action.NONE)
_REFUSED = CodeRule("refused with an unknown code", Action.ASK)
_BY_STATUS = {
    "": _REFUSED,
    "failed": _REFUSED,
    "undelivered": _later("not delivered, with an unknown code", retries=1),
}
_MAIL_TRANSIENT = _greylisted("not taken by the mail server for now")
_MAIL_PERMANENT = CodeRule("no such mailbox", Action.BAD_ADDRESS)


def rule_for(code: int, *, status: str) -> CodeRule:
    """What an error code asks for; `status` is the message's, blank where it was refused at once.

    A code that rides on a message which did not fail asks for nothing. Codes of three digits are SMTP's.
    """
    if status not in _BY_STATUS:
        return _NOTHING
    if code in CODES:
        return CODES[code]
    if 400 <= code < 500:
        return _MAIL_TRANSIENT
    if 500 <= code < 600:
        return _MAIL_PERMANENT
    return _BY_STATUS[status]


# The allowances of US carriers are renewed then.
_CARRIERS_ZONE = ZoneInfo("America/Los_Angeles")


def next_try(rule: CodeRule, *, now: datetime) -> datetime:
    """When a message may be tried again under a rule; `now` is aware."""
    if rule.action is not Action.BUDGET:
        return now + rule.wait
    tomorrow = (now.astimezone(_CARRIERS_ZONE) + timedelta(days=1)).date()
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=_CARRIERS_ZONE).astimezone(now.tzinfo)
