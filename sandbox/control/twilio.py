"""Controls of the messages: people who write, bad days, the account, and what there is to be judged."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sandbox.clock import REAL
from sandbox.control.orders import Order
from sandbox.control.twilio_faults import count_faults
from sandbox.errors import ApiError
from sandbox.state import State
from sandbox.twilio import BadConfig
from sandbox.twilio.fates import FATES
from sandbox.twilio.messages import Message
from sandbox.twilio.moments import iso
from sandbox.twilio.receiving import Inbound
from sandbox.twilio.webhooks import Webhook

MAX_BODY = 1600
MAX_MEDIA = 10


def show_state(state: State, _: Order) -> Any:
    """Show messages, how often each text went to each phone, webhooks, opt-outs and what is to come."""
    reading = state.twilio.reading
    return {
        "messages": [about_message(one) for one in reading.messages()],
        "counts": [{"to": one.to, "body": one.body, "count": one.times} for one in reading.copies()],
        "callbacks": [about_webhook(one) for one in reading.webhooks()],
        "opt_outs": [one._asdict() for one in reading.opt_outs()],
        "phones": reading.fates(),
        "pending": reading.pending()._asdict(),
        "requests": state.twilio.throttle.requests,
        "faults": count_faults(state),
    }


def show_config(state: State, _: Order) -> Any:
    """Show the account, its numbers and services, and how the sandbox behaves."""
    return state.twilio.config.model_dump(mode="json")


def set_config(state: State, order: Order) -> Any:
    """Change keys of the configuration; those that are not given stay."""
    try:
        state.twilio.configure(order.body)
    except BadConfig as error:
        raise ApiError(str(error)) from error
    return show_config(state, order)


def set_limits(state: State, order: Order) -> Any:
    """Answer 20429 above `max_concurrent` requests at once or `per_second` requests; 0 is no limit."""
    names = ("max_concurrent", "per_second")
    limits = {name: order.number(name, 0, low=0, high=10_000) for name in names}
    return set_config(state, Order(body={"limits": limits}))


def set_redaction(state: State, order: Order) -> Any:
    """Hide bodies and persons' numbers from every read of the API, or show them with `on` false."""
    return set_config(state, Order(body={"redaction": order.flag("on", True)}))


def reset(state: State, _: Order) -> Any:
    """Begin again: no messages, webhooks, opt-outs, faults, limits, redaction; the computer's time.

    Account, numbers and services stay.
    """
    state.twilio.reset()
    with state.writing():
        state.set_clock(REAL)
    return {"reset": True}


def write_as(state: State, order: Order) -> Any:
    """Let a person (`from`) write `body` to one of the account's numbers (`to`); answers the sid.

    Without `to` it goes to the number that wrote to them last; without `service` to that of the number.
    """
    twilio, phone = state.twilio, order.text("from", longest=20).strip()
    if not phone:
        raise ApiError("from is the person's phone number.")
    number, service = order.text("to", longest=20).strip(), order.text("service", longest=34)
    if not number:
        number, service = twilio.reading.last_sender_to(phone)
    if twilio.config.number(number) is None:
        raise ApiError("to must be one of the account's numbers.")
    found = twilio.config.service_of(number)
    if service and twilio.config.service(service) is None:
        raise ApiError("There is no such service.")
    service = service or (found.sid if found is not None else "")
    body = order.text("body", longest=MAX_BODY)
    message = twilio.receive(Inbound(phone, number, service, body, _media(order)))
    return {"sid": message.sid}


def set_phone(state: State, order: Order) -> Any:
    """Give a phone (`number`) the `fate` of other digits, `10` for one that is off; blank takes it back."""
    digits = order.text("fate", longest=2)
    if digits and digits not in FATES:
        raise ApiError(f"fate must be one of: {', '.join(FATES)}.")
    phone = order.text("number", longest=20).strip()
    if not phone:
        raise ApiError("number is the person's phone number.")
    state.twilio.set_fate(phone, digits)
    return {"phones": state.twilio.reading.fates()}


def about_message(message: Message) -> dict[str, Any]:
    """Return a message as it is listed: the truth, whatever the API hides."""
    return {
        "sid": message.sid,
        "direction": message.direction,
        "service": message.service,
        "from": message.sender,
        "to": message.phone,
        "body": message.body,
        "media": message.media_urls,
        "status": message.status,
        "error_code": message.code or None,
        "segments": message.segments,
        "price": message.price or None,
        "created": iso(message.created),
        "updated": iso(message.updated),
        "sent": None if message.sent is None else iso(message.sent),
        "callback": message.callback,
        "note": message.note,
        "is_redacted": bool(message.is_redacted),
        "is_deleted": bool(message.is_deleted),
    }


def about_webhook(webhook: Webhook) -> dict[str, Any]:
    """Return a webhook with its tries."""
    return {
        "sid": webhook.sid,
        "kind": webhook.kind.value,
        "at": iso(webhook.at),
        "url": webhook.url,
        "fields": dict(webhook.fields),
        "token": webhook.token,
        "attempts": [asdict(one) for one in webhook.attempts],
        "note": webhook.note,
        "is_done": webhook.is_done,
    }


def _media(order: Order) -> list[str]:
    given = order.body.get("media") or []
    media = [given] if isinstance(given, str) else given
    if not isinstance(media, list) or len(media) > MAX_MEDIA or not all(isinstance(m, str) for m in media):
        raise ApiError(f"media must be a list of at most {MAX_MEDIA} addresses.")
    # Half a character cannot be stored.
    return [address.encode("utf-8", "replace").decode() for address in media]
