"""Lets an event happen: a message reaches a status, or the person answers."""

from __future__ import annotations

from sandbox.twilio.calling import call_back
from sandbox.twilio.desk import Desk
from sandbox.twilio.events import Event, Kind
from sandbox.twilio.messages import Message
from sandbox.twilio.receiving import INBOUND, MOST_FROM_ONE, Inbound, receive
from sandbox.twilio.webhooks import Webhook

PRICE = 0.0083


def happen(desk: Desk, event: Event) -> list[Webhook]:
    """Let one event happen and return what is to be posted for it; `desk.now` is its moment."""
    desk.database.events.remove(event)
    message = desk.database.messages.get(event.sid)
    if message is None or message.is_deleted:
        return []
    return (
        _reach(desk, message, event=event) if event.kind is Kind.STATUS else _hear(desk, message, event=event)
    )


def _reach(desk: Desk, message: Message, *, event: Event) -> list[Webhook]:
    status, code = str(event.details["status"]), int(event.details["code"])
    if not event.details["is_late"]:
        desk.database.messages.move(_moved(message, status, code=code, now=desk.now))
    if not message.callback:
        return []
    calls = range(int(event.details["calls"]))
    return [call_back(desk, message, status=status, code=code, copy=copy) for copy in calls]


def _moved(message: Message, status: str, *, code: int, now: float) -> Message:
    moved = message._replace(status=status, code=code, updated=now)
    if status != "sent":
        return moved
    return moved._replace(sent=now, price=f"{-PRICE * message.segments:.5f}")


def _hear(desk: Desk, message: Message, *, event: Event) -> list[Webhook]:
    if desk.database.messages.count(INBOUND, sender=message.phone) >= MOST_FROM_ONE:
        return []
    body, has_picture = str(event.details["text"]), bool(event.details["has_picture"])
    inbound = Inbound(message.phone, message.sender, message.service, body, has_picture=has_picture)
    _, webhook = receive(desk, inbound)
    return [] if webhook is None else [webhook]
