"""Puts a plan of messages into the outbox: each contact once, also one that a rule keeps from being sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, exists, func, select, update

from capstan.consequence import HELD
from capstan.errors import StoreError
from capstan.message import PLANNED_COLUMNS, MessageState, message_key, read_time
from capstan.store.connection import Store
from capstan.store.frames import take_columns
from capstan.store.outbox_addresses import is_blocking
from capstan.store.outbox_marks import address_mark, record_mark, text_mark
from capstan.store.outbox_rows import Content, Mailroom, Queued, seal_content
from capstan.store.outbox_stops import is_held, lock_room
from capstan.store.outbox_tables import ADDRESS_BLOCK, ANNOUNCEMENT, MESSAGE
from capstan.store.upserts import insert_new, insert_or_replace

_CHUNK = 500
_SAME = ("event", "instance", "channel", "language", "zones", "rule")


def queue_messages(
    store: Store,
    planned: pd.DataFrame,
    *,
    room: Mailroom,
    run: str,
    now: datetime,
    max_attempts: Mapping[str, int] | None = None,
) -> Queued:
    """Put a plan (`PLANNED_COLUMNS`, text) into the outbox and announce how much its run will send.

    A contact that is known stays as it is, unless it was suppressed: then the newer plan counts. So the
    same plan may be queued again at any time. `max_attempts` says by message id how often a message may be
    tried while it does not arrive; others are tried once.
    """
    taken = take_columns(planned, what="Planned messages", columns=PLANNED_COLUMNS)
    tries = max_attempts or {}
    rows = [
        _row(store, line, room=room, max_attempts=tries.get(line["message"], 1))
        for line in taken.to_dict("records")
    ]
    stamp = {"run_id": run, "planned_at": now, "changed_at": now}
    with store.write() as connection:
        lock_room(connection, room, now=now)
        before = _waiting(connection, run)
        if rows:
            was_suppressed = MESSAGE.c.state == MessageState.SUPPRESSED
            kept = ("attempts", "planned_at")
            merge = insert_or_replace(connection, MESSAGE, keys=["key"], where=was_suppressed, kept=kept)
            connection.execute(merge, [{**row, **stamp} for row in rows])
            _suppress_forbidden(connection, run)
        added = {
            channel: count - before.get(channel, 0) for channel, count in _waiting(connection, run).items()
        }
        _announce(connection, run, added=added)
        suppressed = _count_suppressed(connection, [row["key"] for row in rows])
    total = sum(added.values())
    return Queued(total, len(rows) - total - suppressed, suppressed)


def _row(store: Store, line: dict[Any, str], *, room: Mailroom, max_attempts: int) -> dict[str, Any]:
    content = Content(**{name: line[name] for name in Content.__annotations__})
    state = MessageState.SUPPRESSED if line["rule"] else MessageState.PLANNED
    return {
        **room._asdict(),
        **{name: line[name] for name in _SAME},
        "name": line["message"],
        "key": store.keys.fingerprint(_key(room, line)),
        "record_mark": record_mark(store, room, record=line["record"]),
        "address_mark": address_mark(store, line["channel"], address=line["address"]),
        "text_mark": text_mark(store, line["text"]),
        "sealed": seal_content(store, content),
        "segments": int(line["segments"] or 0),
        "not_before": _time(line["not_before"]),
        "not_after": _time(line["not_after"]),
        "state": state,
        "attempts": 0,
        "max_attempts": max_attempts,
    }


def _key(room: Mailroom, line: dict[Any, str]) -> str:
    return message_key(
        study=room.study,
        host=room.host,
        project_id=room.project_id,
        message=line["message"],
        record=line["record"],
        occasion=line["occasion"],
    )


def _time(text: str) -> datetime:
    try:
        return read_time(text)
    except ValueError:
        raise StoreError(
            "A planned message has no time from which, or until which, it may be sent."
        ) from None


def _waiting(connection: Connection, run: str) -> dict[str, int]:
    """How many messages of a run may be sent or were, by channel."""
    mine = (MESSAGE.c.run_id == run, MESSAGE.c.state != MessageState.SUPPRESSED)
    query = select(MESSAGE.c.channel, func.count()).where(*mine).group_by(MESSAGE.c.channel)
    return {channel: count for channel, count in connection.execute(query)}


def _suppress_forbidden(connection: Connection, run: str) -> None:
    """Suppress what somebody has blocked or held since the plan was made."""
    planned = (MESSAGE.c.run_id == run, MESSAGE.c.state == MessageState.PLANNED)
    blocked = select(ADDRESS_BLOCK.c.reason).where(is_blocking()).scalar_subquery()
    suppressed = {"state": MessageState.SUPPRESSED}
    this = update(MESSAGE).where(*planned, exists().where(is_blocking()))
    connection.execute(this.values(rule=blocked, **suppressed))
    connection.execute(update(MESSAGE).where(*planned, is_held()).values(rule=HELD, **suppressed))


def _announce(connection: Connection, run: str, *, added: Mapping[str, int]) -> None:
    for channel, count in added.items():
        row = {"run_id": run, "channel": channel}
        connection.execute(insert_new(connection, ANNOUNCEMENT).values(**row, announced=0, sent=0))
        this = update(ANNOUNCEMENT).where(*(ANNOUNCEMENT.c[name] == value for name, value in row.items()))
        connection.execute(this.values(announced=ANNOUNCEMENT.c.announced + count))


def _count_suppressed(connection: Connection, keys: Sequence[str]) -> int:
    """How many rows of a plan are suppressed now; databases take a limited number of values at once."""
    count = 0
    for start in range(0, len(keys), _CHUNK):
        mine = MESSAGE.c.key.in_(keys[start : start + _CHUNK])
        suppressed = select(func.count()).where(mine, MESSAGE.c.state == MessageState.SUPPRESSED)
        count += connection.execute(suppressed).scalar_one()
    return count
