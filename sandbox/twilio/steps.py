"""When a new message reaches which status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.twilio.config import Config
from sandbox.twilio.events import Event, Kind
from sandbox.twilio.fates import Fate, Step


@dataclass(frozen=True)
class Way:
    """A message's way: its fate by digits, and the moment (epoch seconds) at which its sender is free."""

    sid: str
    digits: str
    fate: Fate
    start: float
    has_service: bool
    config: Config


def status_events(way: Way, steps: tuple[Step, ...]) -> list[Event]:
    """Return an event for every status; a number's message is queued already, a service's is not."""
    return [
        Event(way.start + _seconds(way, step), way.sid, Kind.STATUS, _details(step))
        for step in steps
        if way.has_service or step.status != "queued"
    ]


def reply_events(way: Way, after: list[Event]) -> Iterator[Event]:
    """Yield what the person answers once the message has come."""
    came = [one.due for one in after if one.details["status"] == "delivered"]
    for number, reply in enumerate(way.fate.replies if came else (), start=1):
        due = came[0] + number * way.config.delays.reply
        yield Event(due, way.sid, Kind.REPLY, {"text": reply.text, "has_picture": reply.has_picture})


def failure(sid: str, *, due: float, code: int) -> Event:
    """Return the event of a message that fails at a moment."""
    return Event(due, sid, Kind.STATUS, _details(Step("failed", code=code)))


def acceptance(sid: str, *, due: float) -> Event:
    """Return the event of a scheduled message whose moment has come."""
    return Event(due, sid, Kind.STATUS, _details(Step("accepted")))


def _details(step: Step) -> dict[str, object]:
    return {"status": step.status, "code": step.code, "calls": step.calls, "is_late": step.is_late}


def _seconds(way: Way, step: Step) -> float:
    chosen = way.config.delays_by_fate.get(way.digits, {})
    if step.status in chosen and not step.is_late:
        return chosen[step.status]
    if step.seconds is not None:
        return step.seconds
    return float(getattr(way.config.delays, step.status))
