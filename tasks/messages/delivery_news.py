"""What staff are told of messages: those that did not arrive or wait for them, and what is stopped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from capstan.delivery.codes import CODES, Action
from capstan.message import MessageState
from capstan.notice import Cause, Happening
from capstan.store import Store, Trouble, list_stops, list_troubles, read_watermark, write_watermark
from capstan.study import Study
from tasks.messages.queueing import room_of

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_GUARD = "capstan"
_RESUME = "Look into it, then `capstan messages resume`."


def delivery_news(store: Store, study: Study, *, now: datetime) -> list[Happening]:
    """What happened since it was last told, in counts."""
    room, last = room_of(study), read_watermark(store, study.study, name=_watermark(study))
    since = datetime.fromisoformat(last) if last else _NEVER
    troubles = list_troubles(store, room, since=since, until=now)
    stops = [one for one in list_stops(store, room) if one.by == _GUARD and since < one.changed_at <= now]
    told = [Happening(Cause.DELIVERY, _said(one), now) for one in troubles]
    stopped = (" ".join(filter(None, (one.channel, one.name))) or "everything" for one in stops)
    return told + [
        Happening(Cause.FAILURE, f"Messages are stopped ({what}): {one.reason}. {_RESUME}", now)
        for what, one in zip(stopped, stops, strict=True)
    ]


def remember_told(store: Store, study: Study, *, now: datetime) -> None:
    """Let nothing that happened until now be told again."""
    write_watermark(store, study.study, name=_watermark(study), value=now.isoformat(), now=now)


def _watermark(study: Study) -> str:
    room = room_of(study)
    return f"{room.host}/{room.project_id} deliveries told"


def _said(trouble: Trouble) -> str:
    return " ".join(_parts(trouble))


def _parts(trouble: Trouble) -> Iterator[str]:
    waits = trouble.state is MessageState.REVIEW
    yield f"{trouble.messages:,} of {trouble.name} {'wait for a person' if waits else 'did not arrive'}"
    if trouble.code:
        meaning = CODES[trouble.code].meaning if trouble.code in CODES else "an unknown reason"
        yield f"(code {trouble.code}: {meaning})"
    if waits:
        yield "- `capstan messages list --state review` lists them."
    elif trouble.code in CODES and CODES[trouble.code].then is Action.ASK:
        yield "- somebody must look at it; the address gets nothing more until then."
