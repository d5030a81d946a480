"""What a mail server's refusal means, by the step at which it came."""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass
from enum import Enum, auto

from capstan.delivery import Answer, Outcome
from capstan.delivery.codes import Action, rule_for

# 554 says "what was written", 421 "the whole server": capstan.delivery.codes knows what each asks for.
_WRITTEN, _SERVER, _FULL = 554, 421, 552
_OUR_COMMANDS = frozenset({500, 502, 503, 504, 555})
_OUR_ADDRESS = frozenset({"5.1.7", "5.1.8"})
# System, protocol, content and policy (RFC 3463): not the recipient's mailbox.
_NOT_THE_MAILBOX = ("5.3.", "5.5.", "5.6.", "5.7.")
_ENHANCED = re.compile(r"\s*(\d\.\d{1,3}\.\d{1,3})\b")


class Stage(Enum):
    """How far an attempt has come; in `CONTENT` the final dot may have left."""

    CONNECTION = auto()
    LOGIN = auto()
    SENDER = auto()
    RECIPIENT = auto()
    DATA = auto()
    CONTENT = auto()


@dataclass
class Progress:
    """The stage that an attempt has reached."""

    stage: Stage = Stage.CONNECTION


def judge_reply(code: int, text: str | bytes, *, stage: Stage) -> Answer:
    """What a reply that ends an attempt came to: a 5xx is the fault of the address, the wording or ours.

    Until the recipient is named only our server or our settings can be at fault. A relay that refuses to
    forward says nothing of the mailbox. Source: RFC 5321, RFC 3463, section 6.
    """
    if 400 <= code < 500:
        return _not_now(code, stage=stage)
    if not 500 <= code < 600:
        # No reply at all in the language of mail.
        return Answer(Outcome.UNKNOWN if stage is Stage.CONTENT else Outcome.HALT, detail="no reply code")
    if stage in (Stage.DATA, Stage.CONTENT):
        return _rejected(_FULL if code == _FULL else _WRITTEN)
    if stage is Stage.RECIPIENT:
        return _judge_recipient(code, text if isinstance(text, str) else text.decode(errors="replace"))
    return _rejected(code) if code == _FULL else Answer(Outcome.HALT, code=code)


def judge_failure(error: OSError, *, stage: Stage) -> Answer:
    """What it came to that there was no reply: uncertain from the final dot on, before it certainly not sent.

    A certificate that does not hold, and a server without encryption or our login, are for people to settle.
    """
    detail = type(error).__name__
    if stage is Stage.CONTENT:
        return Answer(Outcome.UNKNOWN, detail=detail)
    is_lost = isinstance(error, smtplib.SMTPServerDisconnected | ssl.SSLEOFError | ssl.SSLZeroReturnError)
    is_ours = not is_lost and isinstance(error, smtplib.SMTPException | ssl.SSLError)
    return Answer(Outcome.HALT if is_ours else Outcome.NOT_SENT, detail=detail)


def _not_now(code: int, *, stage: Stage) -> Answer:
    told = code if stage in (Stage.RECIPIENT, Stage.DATA, Stage.CONTENT) else _SERVER
    wait = rule_for(told, status="").wait.total_seconds()
    return Answer(Outcome.THROTTLED, code=told, retry_after_seconds=wait)


def _judge_recipient(code: int, text: str) -> Answer:
    found = _ENHANCED.match(text)
    enhanced = found[1] if found else ""
    is_ours = code in _OUR_COMMANDS or rule_for(code, status="").action is Action.HALT
    if is_ours or enhanced in _OUR_ADDRESS:
        return Answer(Outcome.HALT, code=code)
    if enhanced.startswith(_NOT_THE_MAILBOX) or "relay" in text.lower():
        return _rejected(_WRITTEN)
    return _rejected(_FULL if enhanced == "5.2.2" else code)


def _rejected(code: int) -> Answer:
    return Answer(Outcome.REJECTED, code=code)
