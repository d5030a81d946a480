"""Takes what people write: the words that Twilio acts on, the webhook, and the replies to it (7.6)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.twilio.asking import QUEUE_SECONDS, is_callback
from sandbox.twilio.calling import tell_of_inbound
from sandbox.twilio.desk import Desk, make_sid
from sandbox.twilio.keywords import ANSWERS, Word, read_word
from sandbox.twilio.messages import Message
from sandbox.twilio.segments import count_segments
from sandbox.twilio.sending import fail, send_at_once
from sandbox.twilio.twiml import PLAIN, Said, Spoken
from sandbox.twilio.webhooks import Webhook

MOST_FROM_ONE = 100
_LOOP_SECONDS, _MOST_REPLIES = 30.0, 15
_LOOP, _OPTED_OUT = 14107, 21610
INBOUND, REPLY = "inbound", "outbound-reply"


@dataclass(frozen=True)
class Inbound:
    """What somebody writes to one of the account's numbers, perhaps one of a service.

    `has_picture` adds one that the sandbox serves.
    """

    phone: str
    number: str
    service: str
    body: str
    media: Sequence[str] = ()
    has_picture: bool = False


def receive(desk: Desk, inbound: Inbound) -> tuple[Message, Webhook | None]:
    """Take a message: keep it, act on its word, and prepare what the account is told."""
    message = _inbound_message(desk, inbound)
    desk.database.messages.add(message)
    # With redaction Twilio's own handling of these words is off (4.3).
    word = None if desk.config.redaction else read_word(inbound.body)
    if word is not None:
        _obey(desk, message, word=word)
    return message, tell_of_inbound(desk, message, word=word or "")


def answer(desk: Desk, message: Message, *, said: Said) -> None:
    """Send what the account's webhook answered to a message."""
    for one in said.messages:
        _reply(desk, message, spoken=one, note=PLAIN if said.note == PLAIN else "")


def _obey(desk: Desk, message: Message, *, word: Word) -> None:
    scopes, phones = desk.config.scopes(message.phone, message.service), desk.database.phones
    if word is Word.STOP:
        phones.opt_out(scopes[0], message.sender, at=desk.now)
    if word is Word.START:
        phones.opt_in(scopes, message.sender)
    _send_back(desk, message, spoken=Spoken(ANSWERS[word], [], ""), note=f"automatic {word}", code=0)


def _reply(desk: Desk, message: Message, *, spoken: Spoken, note: str) -> None:
    sent = desk.database.messages.count(
        REPLY, sender=message.phone, phone=message.sender, since=desk.now - _LOOP_SECONDS
    )
    code = desk.fate(message.sender).refusal
    scopes = desk.config.scopes(message.phone, message.service)
    if desk.database.phones.is_opted_out(scopes, message.sender):
        code = _OPTED_OUT
    if sent >= _MOST_REPLIES:
        code = _LOOP
    _send_back(desk, message, spoken=spoken, note=note, code=code)


def _send_back(desk: Desk, message: Message, *, spoken: Spoken, note: str, code: int) -> None:
    number, sid = desk.new_sid("MM" if spoken.media else "SM")
    sent = message._replace(
        number=number,
        sid=sid,
        direction=REPLY,
        sender=message.phone,
        phone=message.sender,
        body=spoken.text,
        media=json.dumps(spoken.media),
        status="accepted" if message.service else "queued",
        segments=count_segments(spoken.text) or 1,
        callback=spoken.callback if is_callback(spoken.callback) else "",
        note=note,
        created=desk.now,
        updated=desk.now,
    )
    desk.database.messages.add(sent)
    if code:
        fail(desk, sent, code=code, seconds=desk.config.delays.failed)
    else:
        send_at_once(desk, sent, validity_seconds=QUEUE_SECONDS)


def _inbound_message(desk: Desk, inbound: Inbound) -> Message:
    has_media = inbound.has_picture or bool(inbound.media)
    number, sid = desk.new_sid("MM" if has_media else "SM")
    media = [*inbound.media, *([_picture(desk, sid)] if inbound.has_picture else [])]
    return Message(
        number,
        sid,
        INBOUND,
        service=inbound.service,
        sender=inbound.phone,
        phone=inbound.number,
        body=inbound.body,
        media=json.dumps(media),
        status="received",
        code=0,
        segments=count_segments(inbound.body) or 1,
        price="",
        created=desk.now,
        updated=desk.now,
        sent=desk.now,
        callback="",
        note="",
    )


def _picture(desk: Desk, sid: str) -> str:
    media = make_sid(desk.config.seed, "ME", number=sid)
    return f"{desk.site}2010-04-01/Accounts/{desk.config.account_sid}/Messages/{sid}/Media/{media}"
