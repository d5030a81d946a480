"""Puts a message on its way: into its sender's queue, and through its statuses (7.4)."""

from __future__ import annotations

from dataclasses import replace

from sandbox.twilio.config import Service
from sandbox.twilio.desk import Desk
from sandbox.twilio.events import Event
from sandbox.twilio.messages import Message
from sandbox.twilio.steps import Way, acceptance, failure, reply_events, status_events

_FIRST = "first"
_EXPIRED = 30036


def free_moment(desk: Desk, sender: str) -> float:
    """Return when a sender could take the next message, in epoch seconds."""
    return max(desk.now, desk.database.phones.free_at(sender))


def send_at_once(desk: Desk, message: Message, *, validity_seconds: float) -> None:
    """Let a message wait for its sender and go its way, or expire in the queue."""
    start = free_moment(desk, message.sender)
    if start - desk.now > validity_seconds:
        fail(desk, message, code=_EXPIRED, seconds=validity_seconds)
        return
    number = desk.config.number(message.sender)
    rate = number.rate if number is not None else 1.0
    desk.database.phones.occupy(message.sender, start + message.segments / rate)
    _go(desk, message, start=start)


def send_later(desk: Desk, message: Message, *, start: float) -> None:
    """Let a scheduled message go at its moment."""
    desk.database.events.add([acceptance(message.sid, due=start)])
    _go(desk, message, start=start)


def fail(desk: Desk, message: Message, *, code: int, seconds: float) -> None:
    """Let a message fail after a while."""
    desk.database.events.add([failure(message.sid, due=desk.now + seconds, code=code)])


def choose_sender(desk: Desk, service: Service, *, phone: str) -> str:
    """Return the number of a service that a phone always hears from."""
    last, _ = desk.database.messages.last_sender_to(phone)
    return last if last in service.numbers else service.numbers[int(phone[-4:]) % len(service.numbers)]


def _go(desk: Desk, message: Message, *, start: float) -> None:
    digits = desk.digits(message.phone)
    way = Way(message.sid, digits, desk.fate(message.phone), start, bool(message.service), desk.config)
    # A count is kept of those that have two ways only.
    is_first = bool(way.fate.first) and desk.database.phones.times(_FIRST, message.phone) == 1
    statuses = status_events(way, way.fate.first if is_first else way.fate.steps)
    desk.database.events.add([*statuses, *_replies(message, way, after=statuses)])


def _replies(message: Message, way: Way, *, after: list[Event]) -> list[Event]:
    if message.direction != "outbound-api" and not way.fate.is_chatty:
        way = replace(way, fate=replace(way.fate, replies=()))
    return list(reply_events(way, after))
