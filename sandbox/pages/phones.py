"""Pages of phones: the conversation with each, writing as its owner, and the webhooks that told of it."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urldefrag

import phonenumbers
from starlette.responses import RedirectResponse, Response

from sandbox.control import twilio as control
from sandbox.control.orders import Order
from sandbox.errors import ApiError
from sandbox.pages.asked import Asked, page
from sandbox.pages.clockwork import clock_card
from sandbox.pages.paging import part_of
from sandbox.pages.templates import link
from sandbox.state import State
from sandbox.twilio.fates import Fate, digits_of, fate_of
from sandbox.twilio.refusals import meaning
from sandbox.twilio.signing import signature_headers, signed_text
from sandbox.twilio.webhooks import Webhook

PER_PAGE = 50
LONGEST_PHONE = 20
_LAST = 10**9 - 1


class Posted(NamedTuple):
    """A webhook with what its signature is made of, and the headers that carry it."""

    webhook: Webhook
    signed: str
    headers: dict[str, str]


def talks(state: State, asked: Asked) -> Response:
    """Show the phones, those with the latest message first."""
    reading = state.twilio.reading
    part = part_of(reading.count_talks(), asked.number("page"), per_page=PER_PAGE)
    found = reading.page_of_talks(start=part.start, most=PER_PAGE)
    return _page("phones.html", state, asked=asked, part=part, rows=found, opted_out=_opted_out(state))


def talk(state: State, asked: Asked) -> Response:
    """Show the conversation with one phone, its end first; what has come to it is read by that."""
    phone, twilio = _phone(asked), state.twilio
    twilio.look_at(phone)
    part = part_of(twilio.reading.size_of_talk(phone), asked.number("page", _LAST), per_page=PER_PAGE)
    sender, _ = twilio.reading.last_sender_to(phone)
    return _page(
        "phone.html",
        state,
        asked=asked,
        phone=phone,
        part=part,
        rows=twilio.reading.page_of_talk(phone, start=part.start, most=PER_PAGE),
        opted_out=_opted_out(state).get(phone, []),
        code=_usual_code(_fate(state, phone)),
        is_changed=phone in twilio.reading.fates(),
        numbers=[one.number for one in twilio.config.numbers],
        sender=sender,
        is_live=asked.text("live") == "1",
    )


def start(_: State, asked: Asked) -> Response:
    """Open the conversation with a phone that somebody typed, in any of the usual spellings."""
    try:
        number = phonenumbers.parse(asked.text("number"), "US")
    except phonenumbers.NumberParseException as error:
        raise ApiError("This is no phone number.") from error
    return _to_talk(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def write(state: State, asked: Asked) -> Response:
    """Write as the phone's owner: the text, or the word of the button."""
    phone = _phone(asked)
    body = asked.text("word") or asked.text("body").replace("\r\n", "\n")
    control.write_as(state, Order(body={"from": phone, "to": asked.text("to"), "body": body}))
    return _to_talk(phone)


def set_fate(state: State, asked: Asked) -> Response:
    """Let what befalls the phone's messages be another thing from now on."""
    phone = _phone(asked)
    control.set_phone(state, Order(body={"number": phone, "fate": asked.text("fate")}))
    return _to_talk(phone)


def webhooks(state: State, asked: Asked) -> Response:
    """Show what was posted to the account's own addresses, of one message or of all, newest first."""
    reading, sid = state.twilio.reading, asked.text("sid")
    part = part_of(reading.count_webhooks(sid), asked.number("page"), per_page=PER_PAGE)
    found = [_posted(state, one) for one in reading.page_of_webhooks(sid, start=part.start, most=PER_PAGE)]
    signature = state.twilio.config.signature
    return _page("webhooks.html", state, asked=asked, part=part, rows=found, sid=sid, signature=signature)


def _page(name: str, state: State, *, asked: Asked, phone: str = "", **about: Any) -> Response:
    card = clock_card(state, phone)
    return page(name, state, asked=asked, tab="phones", phone=phone, card=card, codes=meaning, **about)


def _phone(asked: Asked) -> str:
    phone = asked.text("number").strip()
    if not phone or len(phone) > LONGEST_PHONE:
        raise ApiError("There is no such phone.", 404)
    return phone


def _to_talk(phone: str) -> Response:
    # The end of a conversation is where the latest message and the box to write are.
    return RedirectResponse(f"{link('messages/phone', number=phone)}#end", 303)


def _opted_out(state: State) -> dict[str, list[str]]:
    """Return from which numbers and services each phone wants nothing more."""
    found: dict[str, list[str]] = {}
    for one in state.twilio.reading.opt_outs():
        found.setdefault(one.phone, []).append(one.scope)
    return found


def _fate(state: State, phone: str) -> Fate:
    return fate_of(state.twilio.reading.fates().get(phone) or digits_of(phone))


def _usual_code(fate: Fate) -> int:
    """Return the error that messages to a phone end with, or 0."""
    return fate.refusal or next((step.code for step in fate.steps if step.code), 0)


def _posted(state: State, webhook: Webhook) -> Posted:
    url, _ = urldefrag(webhook.url)
    headers = signature_headers(state.twilio.config, url, fields=webhook.fields)
    return Posted(webhook, signed_text(url, webhook.fields), headers)
