"""Takes a request for a message: judges it, keeps the message, and sends it on its way (7.3)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sandbox.twilio.asking import (
    QUEUE_SECONDS,
    Wanted,
    check_phone,
    check_test,
    check_wanted,
    read_schedule,
    validity_of,
)
from sandbox.twilio.config import Service
from sandbox.twilio.desk import Desk, make_sid
from sandbox.twilio.fates import Fate, Manner
from sandbox.twilio.messages import Message
from sandbox.twilio.refusals import Refused
from sandbox.twilio.segments import count_segments
from sandbox.twilio.sending import choose_sender, fail, free_moment, send_at_once, send_later

_EARLY = "early"
_OPTED_OUT = 21610
_QUEUE_FULL, _QUEUE_OF_SERVICE_FULL = 21611, 30001


class Cut(Exception):
    """The connection is cut, and nothing was created."""


@dataclass(frozen=True)
class Created:
    """A new message, and what becomes of the answer that tells of it."""

    message: Message
    manner: Manner = Manner.PLAIN


def create_message(desk: Desk, wanted: Wanted) -> Created:
    """Create a message; raises `Refused` and `Cut`. What was counted is to be kept even then."""
    service = check_wanted(wanted, desk.config)
    check_phone(wanted, desk.config)
    fate = desk.fate(wanted.phone)
    _check_early(desk, fate, phone=wanted.phone)
    sender = wanted.sender or (choose_sender(desk, service, phone=wanted.phone) if service else "")
    scopes = desk.config.scopes(sender, wanted.service)
    code = _personal_refusal(desk, fate, scopes=scopes, phone=wanted.phone)
    if code and service is None:
        raise Refused(code)
    start = read_schedule(wanted, desk.now)
    if not code and start is None:
        code = _full_queue(desk, fate, sender=sender, has_service=service is not None)
    message = _new_message(desk, wanted, sender=sender, status=_first_status(service, start))
    desk.database.messages.add(message)
    if code:
        fail(desk, message, code=code, seconds=desk.config.delays.failed)
    elif start is None:
        send_at_once(desk, message, validity_seconds=validity_of(wanted))
    else:
        send_later(desk, message, start=start)
    return Created(message, fate.manner)


def create_test_message(desk: Desk, wanted: Wanted) -> Created:
    """Answer test credentials as if a message were created; it is neither kept nor sent."""
    check_test(wanted, desk.config)
    sid = make_sid(desk.config.seed, "SM", number=f"test {wanted.phone} {desk.now}")
    return Created(_message(desk, wanted, sid=sid, number=0, sender=wanted.sender, status="queued"))


def _check_early(desk: Desk, fate: Fate, *, phone: str) -> None:
    """Refuse what this phone's fate refuses at once, always or the first times."""
    if fate.refusal and not fate.is_personal:
        raise Refused(fate.refusal)
    if fate.early is None or desk.database.phones.times(_EARLY, phone) > fate.early.times:
        return
    if not fate.early.code:
        raise Cut
    raise Refused(fate.early.code, retry_after=1)


def _personal_refusal(desk: Desk, fate: Fate, *, scopes: list[str], phone: str) -> int:
    """Return the code of what keeps messages from this person, or 0."""
    if desk.database.phones.is_opted_out(scopes, phone):
        return _OPTED_OUT
    return fate.refusal if fate.is_personal else 0


def _full_queue(desk: Desk, fate: Fate, *, sender: str, has_service: bool) -> int:
    """Refuse what a number's queue has no room for; with a service, return the code of that, or 0."""
    if not fate.has_full_queue and free_moment(desk, sender) - desk.now <= QUEUE_SECONDS:
        return 0
    if not has_service:
        raise Refused(_QUEUE_FULL)
    return _QUEUE_OF_SERVICE_FULL


def _first_status(service: Service | None, start: float | None) -> str:
    if start is not None:
        return "scheduled"
    return "queued" if service is None else "accepted"


def _new_message(desk: Desk, wanted: Wanted, *, sender: str, status: str) -> Message:
    number, sid = desk.new_sid("MM" if wanted.media else "SM")
    return _message(desk, wanted, sid=sid, number=number, sender=sender, status=status)


def _message(desk: Desk, wanted: Wanted, *, sid: str, number: int, sender: str, status: str) -> Message:
    service = desk.config.service(wanted.service)
    return Message(
        number,
        sid,
        "outbound-api",
        service=wanted.service,
        sender=sender,
        phone=wanted.phone,
        body=wanted.body,
        media=json.dumps(list(wanted.media)),
        status=status,
        code=0,
        segments=count_segments(wanted.body) or 1,
        price="",
        created=desk.now,
        updated=desk.now,
        sent=None,
        callback=wanted.callback or (service.status_callback if service else ""),
        note="",
    )
