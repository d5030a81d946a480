"""Deletes participants' data that a study keeps no longer; runs and their counts stay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, text, update

from capstan.store.connection import Store
from capstan.store.failures import values_kept_out
from capstan.store.states import OPEN_STATES, ItemState
from capstan.store.tables import BATCH, QUARANTINE, RUN


def purge(store: Store, *, before: datetime, now: datetime, study: str | None = None) -> int:
    """Delete images, verdicts, plans and stopped rows of runs that ended before a time; returns how many.

    Open runs keep theirs. A purged run cannot be reverted.
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
    _empty_log(store)
    return count


def _empty_log(store: Store) -> None:
    """Empty SQLite's write-ahead log, which still holds the pages from before the deletion."""
    if store.engine.dialect.name != "sqlite":
        return
    with values_kept_out(), store.engine.execution_options(sqlite_begin="").connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).close()
