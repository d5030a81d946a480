"""The message: what one intended contact is, what becomes of it, and why one is not sent.

PLANNED ──► CLAIMED ──► ACCEPTED ──► DELIVERED
  │ ▲         │            ├───────► FAILED          (each may still replace the other once)
  │ │         │            └───────► PLANNED, REVIEW (it did not arrive: again later, or a person looks)
  │ │         ├──► FAILED                            (certainly refused)
  │ │         ├──► PLANNED, SUPPRESSED               (certainly not sent: again later, or with other words)
  │ │         └──► UNKNOWN ──► ACCEPTED              (found at the provider)
  │ └────────────────┼───────────────────────────    (proved absent twice, and still in time)
  │                  └──► REVIEW ──► ACCEPTED, FAILED, CANCELLED    (a person says which)
  ├──► CANCELLED (a person)   EXPIRED (its time is over)   SUPPRESSED (an opt-out, a hold or a limit)
SUPPRESSED ──► PLANNED                               (a later plan finds nothing against it)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    import pandas as pd


class MessageState(StrEnum):
    """Where a message stands."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    REVIEW = "review"
    EXPIRED = "expired"


NEVER_SENT = frozenset({MessageState.SUPPRESSED, MessageState.CANCELLED, MessageState.EXPIRED})
"""States in which a message counts against no limit: nobody got it, and nobody will."""


class Wording(NamedTuple):
    """What one message says; an SMS has neither subject nor HTML."""

    subject: str
    text: str
    html: str


PLANNED_COLUMNS = (
    "message",  # the id in the study file
    "record",
    "event",  # unique event name; blank where the message belongs to the participant or has no events
    "instance",
    "occasion",  # what it is for; one message per (message, record, occasion)
    "channel",
    "address",  # E.164 or a mail address; as it was typed where it is none
    "language",
    "subject",
    "text",
    "html",
    "segments",  # of an SMS, as digits; "0" for email
    "zones",  # the recipient's, divided by blanks: the contact hours of all must be open when it is sent
    "not_before",  # UTC, as `write_time` writes it
    "not_after",  # UTC; later it expires
    "rule",  # blank: to be sent; else the key of RULES that removes it
)
"""A plan of messages: one text row per intended contact, those that a rule removes included."""

HISTORY_COLUMNS = ("message", "record", "occasion", "channel", "address", "state", "at", "segments")
BLOCK_COLUMNS = ("channel", "address", "reason")


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """What is known of earlier contact, as text frames.

    `messages` has `HISTORY_COLUMNS`: everything that was ever queued for the study; `at` is when it was
    last tried, else when it is to be sent (UTC, as `write_time` writes it). `blocks` has `BLOCK_COLUMNS`:
    addresses that get nothing, each with the key of RULES that says why.
    """

    messages: pd.DataFrame
    blocks: pd.DataFrame

    @classmethod
    def empty(cls) -> Self:
        """The history of a study that never contacted anybody."""
        return cls(_blank_frame(HISTORY_COLUMNS), _blank_frame(BLOCK_COLUMNS))


STOPPED = "stopped:"
"""Begins the rule of a `stop_when`; its reason follows."""

RULES: Mapping[str, str] = MappingProxyType(
    {
        "no_consent": "the consent rule does not hold",
        "no_reason": "there is no reason for it any more",
        "changed": "its address or its words have changed; the next plan queues it anew",
        "paused": "the participant is paused until a later day",
        "no_address": "there is no phone number or mail address",
        "bad_address": "the phone number or mail address cannot be used",
        "opted_out": "the participant asked for no more messages here",
        "asked_to_stop": "a reply sounds like a wish to stop; a person must look at it",
        "blocked": "the address is blocked",
        "not_live": "the study is not live yet and this is no test address",
        "already": "this message is queued, or has been, for the same occasion",
        "repeated": "the same person or phone got the same text twice within a day",
        "too_soon": "the last one was too short a time ago",
        "cap_message": "the participant has had this message as often as the study allows",
        "duplicate_address": "the same text already goes to the same address",
        "no_wording": "there is no wording in the participant's language",
        "not_approved": "this wording has not been approved",
        "blank_variable": "a value that the wording needs is blank",
        "too_long": "the text is longer than one message may be",
        "held": "this message is held until a person has looked at its wording",
        "no_link": "there is no survey link",
        "closed_hours": "it would be too late when the contact hours open",
        "cap_day_participant": "the participant has had the day's number of messages",
        "cap_week_participant": "the participant has had the week's number of messages",
        "cap_run": "one run sends no more than this",
        "cap_day": "one day sends no more than this",
        "budget": "the month's budget is used up",
    }
)
"""Each rule that removes a message, with what people read."""


ANSWER = "answer "
"""Begins the name of an automatic answer to a reply, which is no message of the study file."""


def is_answer(name: str) -> bool:
    """Whether the name of a message is that of an automatic answer."""
    return name.startswith(ANSWER)


def explain_rule(rule: str) -> str:
    """Say in words why a message is not sent; the reason of a `stop_when` speaks for itself."""
    return rule.removeprefix(STOPPED) if rule.startswith(STOPPED) else RULES.get(rule, rule)


def message_key(*, study: str, host: str, project_id: int, message: str, record: str, occasion: str) -> str:
    """Name one intended contact: the same contact always has the same key, as hex digits.

    A record id can be guessed and the key tried: the store keeps a keyed fingerprint of it only.
    """
    parts = json.dumps([study, host, project_id, message, record, occasion], ensure_ascii=True)
    return hashlib.sha256(parts.encode()).hexdigest()


def write_time(moment: datetime) -> str:
    """Write an aware time in UTC, so that texts sort as times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str) -> datetime:
    """Read what `write_time` wrote."""
    return datetime.fromisoformat(text)


def _blank_frame(columns: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd  # here, because the command line asks this module for its states alone

    return pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
