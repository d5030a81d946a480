"""Deletes participants' data that a study keeps no longer; runs and their counts stay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, text, update

from capstan.store.connection import Store
from capstan.store.failures import values_kept_out
from capstan.store.states import OPEN_STATES
from capstan.store.tables import BATCH, RUN


def purge(store: Store, *, before: datetime, now: datetime, study: str | None = None) -> int:
    """Delete images, verdicts and plans of runs that ended before a time; returns how many runs that were.

    Open runs keep theirs. A purged run cannot be reverted.
    """
    ended = func.coalesce(RUN.c.ended_at, RUN.c.started_at)
    due = [ended < before, RUN.c.state.not_in(OPEN_STATES), RUN.c.purged_at.is_(None)]
    if study is not None:
        due.append(RUN.c.study == study)
    batches = update(BATCH).where(BATCH.c.run_id.in_(select(RUN.c.id).where(*due)))
    with store.write() as connection:
        connection.execute(batches.values(image=None, outcome=None))
        count = connection.execute(
            update(RUN).where(*due).values(verdicts=None, plan=None, purged_at=now)
        ).rowcount
    _empty_log(store)
    return count


def _empty_log(store: Store) -> None:
    """Empty SQLite's write-ahead log, which still holds the pages from before the deletion."""
    if store.engine.dialect.name != "sqlite":
        return
    with values_kept_out(), store.engine.execution_options(sqlite_begin="").connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).close()
