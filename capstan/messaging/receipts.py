"""What goes to Twilio and what its answers come to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from capstan.delivery import Answer, Outcome
from capstan.delivery.codes import CODES, Action, rule_for

MAX_VALID_SECONDS = 36000
_NUMBER = re.compile(r"[0-9]{1,9}")
_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
_THROTTLED, _TIMED_OUT = 429, 408
_NOT_ALLOWED = frozenset({401, 403})


@dataclass(frozen=True)
class Text:
    """One text message; `id` is our row's. No repr of what identifies a person.

    It is not sent before `leave_from`, nor after `leave_by`, for somebody else may send it then.
    """

    id: str
    to: str = field(repr=False)
    text: str = field(repr=False)
    callback_url: str = ""
    valid_for_seconds: int = MAX_VALID_SECONDS
    leave_from: datetime | None = None
    leave_by: datetime | None = None


@dataclass(frozen=True)
class Listed:
    """A message as Twilio has it; `text` is blank where redaction is on, `created_at` aware."""

    sid: str
    text: str = field(repr=False)
    status: str
    code: int
    created_at: datetime


@dataclass(frozen=True)
class AccountStatus:
    """Twilio's word for the account (`active`, `suspended`, `closed`), and its clock at the answer."""

    status: str
    answered_at: datetime | None


def receipt(sid: object, *, status: object, segments: object) -> Answer:
    """What an answer with success came to: without a message's name it proves nothing."""
    if not isinstance(sid, str) or not _SID.fullmatch(sid):
        return Answer(Outcome.UNKNOWN, detail="no sid")
    return Answer(Outcome.ACCEPTED, sid=sid, status=str(status or ""), segments=number(segments))


def refusal(status: int, *, code: int, retry_after_seconds: float) -> Answer:
    """What an answer without success came to; `status` is HTTP's and `code` Twilio's, 0 where it gave none.

    Source: section 1.4. Only what certainly was not taken may be called throttled, rejected or halt.
    """
    if status == _THROTTLED:
        wait = retry_after_seconds or rule_for(code, status="").wait.total_seconds()
        return Answer(Outcome.THROTTLED, code=code, retry_after_seconds=wait)
    if not 400 <= status < 500 or status == _TIMED_OUT:
        return Answer(Outcome.UNKNOWN, code=code, detail=f"status {status}")
    # A page of a proxy or of a wrong address says nothing of the message.
    if not code or (status in _NOT_ALLOWED and code not in CODES):
        return Answer(Outcome.HALT, code=code, detail=f"status {status}")
    is_ours = rule_for(code, status="").action is Action.HALT
    return Answer(Outcome.HALT if is_ours else Outcome.REJECTED, code=code)


def number(value: object) -> int:
    """A number that Twilio gives as number or text; 0 where it is none."""
    text = str(value)
    return int(text) if _NUMBER.fullmatch(text) else 0
