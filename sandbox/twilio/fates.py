"""What becomes of a message, by the last two digits of its number: +1 AAA 555 01YY (7.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

_FICTION = re.compile(r"\+1[2-9][0-9]{2}55501([0-9]{2})")
PLAIN = "00"
SIX_HOURS = 6 * 3600.0


class Manner(StrEnum):
    """What becomes of the answer to a request."""

    PLAIN = "plain"
    CALLED_FIRST = "called first"  # the callbacks come before it
    ERROR = "error"  # status 500, though the message was created
    NEVER = "never"
    CLOSED = "closed"  # the connection is cut
    SLOW = "slow"
    HTML = "html"
    EMPTY = "empty"  # an object without a sid


@dataclass(frozen=True)
class Step:
    """One status on a message's way and how often it is called back.

    `seconds` are counted from the moment at which the sender is free, and are the status's usual ones for
    None. An `is_late` step is called back only: the message has moved on.
    """

    status: str
    seconds: float | None = None
    code: int = 0
    calls: int = 1
    is_late: bool = False


@dataclass(frozen=True)
class Early:
    """The first `times` requests are refused, with a code or a cut connection, and create nothing."""

    times: int
    code: int = 0


@dataclass(frozen=True)
class Reply:
    """What the person answers."""

    text: str
    has_picture: bool = False


@dataclass(frozen=True)
class Fate:
    """What becomes of a message to a phone.

    `first` are the steps of the first message where they differ; `refusal` the code of every one;
    `is_personal` refusals come at once only where there is no service. `is_chatty` phones answer whatever
    they get, the others what the account sent by itself. A sender `has_full_queue` whenever it writes here.
    """

    steps: tuple[Step, ...]
    first: tuple[Step, ...] = ()
    refusal: int = 0
    is_personal: bool = False
    early: Early | None = None
    manner: Manner = Manner.PLAIN
    replies: tuple[Reply, ...] = ()
    is_chatty: bool = False
    is_landline: bool = False
    has_full_queue: bool = False


_QUEUED, _SENDING, _SENT = Step("queued"), Step("sending", calls=0), Step("sent")
_SENT_UNTOLD, _DONE = replace(_SENT, calls=0), Step("delivered")
_WAY = (_QUEUED, _SENDING, _SENT)
DELIVERED = (*_WAY, _DONE)


def _undelivered(code: int) -> tuple[Step, ...]:
    return (*_WAY, Step("undelivered", code=code))


def _failed(code: int) -> tuple[Step, ...]:
    return (_QUEUED, Step("failed", code=code))


def _answers(*texts: str) -> Fate:
    return Fate(DELIVERED, replies=tuple(Reply(text) for text in texts))


def _refuses(code: int, *, is_personal: bool = False) -> Fate:
    return Fate(DELIVERED, refusal=code, is_personal=is_personal, is_landline=code == 21614)


FATES: Mapping[str, Fate] = {
    "00": Fate(DELIVERED),
    "01": Fate((*_WAY, Step("delivered", SIX_HOURS))),
    "02": Fate(_WAY),
    "03": Fate((_QUEUED, _SENDING, _SENT_UNTOLD, _DONE)),
    "04": Fate((_QUEUED, _SENDING, _SENT_UNTOLD, _DONE, Step("sent", 3.0, is_late=True))),
    "05": Fate((*_WAY, replace(_DONE, calls=2))),
    "06": Fate(DELIVERED, manner=Manner.CALLED_FIRST),
    "07": Fate((*DELIVERED, Step("undelivered", 62.0, code=30008))),
    "08": Fate((replace(_QUEUED, calls=0),)),
    "09": Fate(tuple(replace(step, calls=0) for step in DELIVERED)),
    "10": Fate(_undelivered(30003)),
    "11": Fate(_undelivered(30004)),
    "12": Fate(_undelivered(30005)),
    "13": Fate(_undelivered(30006), is_landline=True),
    "14": Fate(_undelivered(30007)),
    "15": Fate(_undelivered(30008)),
    "16": Fate(_failed(30034)),
    "17": Fate(_failed(30001)),
    "18": Fate(_failed(30036)),
    "19": Fate(_failed(30410)),
    "20": _refuses(21211),
    "21": _refuses(21610, is_personal=True),
    "22": _refuses(21612, is_personal=True),
    "23": _refuses(21408),
    "24": _refuses(21614, is_personal=True),
    "25": _refuses(21606),
    "26": Fate(DELIVERED, has_full_queue=True),
    "27": Fate(DELIVERED, early=Early(2, 20429)),
    "28": Fate(DELIVERED, manner=Manner.ERROR),
    "29": Fate(DELIVERED, early=Early(1, 20503)),
    "30": Fate(DELIVERED, manner=Manner.NEVER),
    "31": Fate(DELIVERED, manner=Manner.CLOSED),
    "32": Fate(DELIVERED, early=Early(1)),
    "33": Fate(DELIVERED, manner=Manner.SLOW),
    "34": Fate(DELIVERED, manner=Manner.HTML),
    "35": Fate(DELIVERED, manner=Manner.EMPTY),
    "40": Fate(DELIVERED, first=_undelivered(30003)),
    "41": Fate(DELIVERED, first=_undelivered(30008)),
    "50": _answers("1"),
    "51": _answers("STOP"),
    "52": _answers("please stop texting me"),
    "53": _answers("HELP"),
    "54": _answers("ALTO"),
    "55": _answers("I want to kill myself"),
    "56": _answers("Yes, I can come.", "But only after 4 pm."),
    "57": replace(_answers("I am driving and answer later."), is_chatty=True),
    "58": _answers("START"),
    "59": Fate(DELIVERED, replies=(Reply("Here is a picture.", has_picture=True),)),
}


def digits_of(phone: str) -> str:
    """Return the two digits that stand for a phone's fate; those of other numbers are 00."""
    found = _FICTION.fullmatch(phone)
    return PLAIN if found is None else found[1]


def fate_of(digits: str) -> Fate:
    """Return what two digits stand for; most of them for a message that arrives."""
    return FATES.get(digits, FATES[PLAIN])
