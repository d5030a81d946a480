"""Deletes participants' data that a study keeps no longer; runs, messages and their counts stay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, text, update

from capstan.message import MessageState
from capstan.store.connection import Store
from capstan.store.failures import values_kept_out
from capstan.store.form_references import forget_references
from capstan.store.inbox_history import empty_items
from capstan.store.outbox_tables import MESSAGE
from capstan.store.queries import forget_queries
from capstan.store.seen_places import empty_names
from capstan.store.states import OPEN_STATES, ItemState
from capstan.store.tables import BATCH, QUARANTINE, RUN

_STILL_NEEDED = (MessageState.PLANNED, MessageState.CLAIMED, MessageState.UNKNOWN, MessageState.REVIEW)


def purge(store: Store, *, before: datetime, now: datetime, study: str | None = None) -> int:
    """Delete images, verdicts, plans and stopped rows of runs that ended before a time; returns how many.

    Open runs keep theirs. A purged run cannot be reverted. Messages that came to an end before that time
    lose address and text; that they were sent, and to no address twice, stays known.
    Items of the inbox lose what they said once they are done, and queries once they are closed.
    """
    ended = func.coalesce(RUN.c.ended_at, RUN.c.started_at)
    due = [ended < before, RUN.c.state.not_in(OPEN_STATES), RUN.c.purged_at.is_(None)]
    if study is not None:
        due.append(RUN.c.study == study)
    runs = select(RUN.c.id).where(*due)
    batches = update(BATCH).where(BATCH.c.run_id.in_(runs))
    items = update(QUARANTINE).where(QUARANTINE.c.run_id.in_(runs), QUARANTINE.c.state == ItemState.OPEN)
    emptied = {"verdicts": None, "plan": None, "rejected": None, "purged_at": now}
    with store.write() as connection:
        connection.execute(batches.values(image=None, outcome=None))
        connection.execute(items.values(state=ItemState.EXPIRED, decided_at=now))
        count = connection.execute(update(RUN).where(*due).values(**emptied)).rowcount
        _empty_messages(connection, before=before, study=study)
        forget_references(connection, before=before, study=study)
        empty_items(connection, before=before, study=study)
        empty_names(connection, before=before, study=study)
        forget_queries(connection, before=before, study=study)
    _empty_log(store)
    return count


def _empty_messages(connection: Connection, *, before: datetime, study: str | None) -> None:
    old = (MESSAGE.c.state.not_in(_STILL_NEEDED), MESSAGE.c.changed_at < before)
    ended = update(MESSAGE).where(*old, MESSAGE.c.sealed.is_not(None))
    ended = ended if study is None else ended.where(MESSAGE.c.study == study)
    connection.execute(ended.values(sealed=None))


def _empty_log(store: Store) -> None:
    """Empty SQLite's write-ahead log, which still holds the pages from before the deletion."""
    if store.engine.dialect.name != "sqlite":
        return
    with values_kept_out(), store.engine.execution_options(sqlite_begin="").connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).close()
