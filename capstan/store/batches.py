"""Journals before-images before an import, and what became of each cell after it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from capstan.errors import StoreError
from capstan.plan import CELL_COLUMNS, KEYS
from capstan.store.connection import Store
from capstan.store.frames import take_columns
from capstan.store.moves import move_run, own_run, set_values
from capstan.store.rows import Batch, Run, to_batch
from capstan.store.states import Action, BatchState, Outcome, RunState, check_batch_move
from capstan.store.tables import BATCH, BATCH_VALUES

CELL_KEYS = (*KEYS, "field")
CELL_FLAGS = ("row_existed", "form_saved")


def journal(
    store: Store,
    run: Run,
    *,
    cells: pd.DataFrame,
    overwrite: bool,
    now: datetime,
    action: Action = Action.IMPORT,
) -> int:
    """Put a batch's before-images on disk, before it is sent; returns the batch's number, from 1.

    `cells` has `CELL_COLUMNS` as text and two booleans: `row_existed` says whether REDCap had this record,
    event, instrument and instance before, `form_saved` whether the form of the field had a status there.
    `overwrite` is an import's behaviour for blanks. When this returns, the images outlive a crash. Raises
    Refused when somebody else has adopted the run, StoreError for a dry run, for cells named twice, and
    when the run has ended.
    """
    image = store.seal(_checked(cells, run))
    rows = len(cells[list(KEYS)].drop_duplicates())
    with store.write() as connection:
        move_run(connection, run, to=RunState.WRITING, heartbeat_at=now)
        mine = BATCH.c.run_id == run.id
        number = 1 + int(connection.execute(select(func.max(BATCH.c.number)).where(mine)).scalar() or 0)
        connection.execute(
            insert(BATCH).values(
                run_id=run.id,
                number=number,
                action=action,
                state=BatchState.JOURNALED,
                cells=len(cells),
                rows=rows,
                overwrite=overwrite,
                journaled_at=now,
                image=image,
            )
        )
    return number


def mark_sent(store: Store, run: Run, *, batch: int, now: datetime) -> None:
    """Say that a batch is about to be sent; the last look at whether this process still owns the run."""
    with store.write() as connection:
        move_run(connection, run, to=RunState.WRITING, heartbeat_at=now)
        _move_batch(connection, run, number=batch, to=BatchState.SENT, sent_at=now)


def finish_batch(store: Store, run: Run, *, batch: int, outcomes: pd.DataFrame | None, now: datetime) -> None:
    """Say what became of each cell of a batch, also of an unresolved one of a run that has ended.

    `outcomes` has `CELL_KEYS` and `outcome` (see `Outcome`) as text, one row for each cell, in any order;
    None when nobody could ask REDCap. Raises StoreError when they are not the batch's cells.
    """
    state = BatchState.UNRESOLVED if outcomes is None else BatchState.VERIFIED
    with store.write() as connection:
        own_run(connection, run)
        set_values(connection, run.id, heartbeat_at=now)
        row = _move_batch(connection, run, number=batch, to=state, finished_at=now)
        if outcomes is None:
            return
        if row["image"] is None:
            raise StoreError(
                f"The before-images of batch {batch} of run {run.id} were deleted after retention."
            )
        aligned = _align(outcomes, image=store.unseal(row["image"]), name=f"batch {batch} of run {run.id}")
        _set(connection, run, number=batch, outcome=store.seal(aligned))


def list_batches(store: Store, run: Run) -> tuple[Batch, ...]:
    """The batches of a run, in the order in which they were journaled."""
    query = select(*BATCH_VALUES).where(BATCH.c.run_id == run.id).order_by(BATCH.c.number)
    with store.read() as connection:
        return tuple(to_batch(row) for row in connection.execute(query).mappings())


def _checked(cells: pd.DataFrame, run: Run) -> pd.DataFrame:
    if run.dry_run:
        raise StoreError(f"Run {run.id} is a dry run, which journals and writes nothing.")
    taken = take_columns(cells, what="Cells to journal", columns=CELL_COLUMNS, flags=CELL_FLAGS)
    twice = int(taken.duplicated(list(CELL_KEYS)).sum())
    if taken.empty or twice:
        raise StoreError(
            f"A batch needs cells, each once: this one has {len(taken)}, {twice} of them repeated."
        )
    return taken


def _move_batch(
    connection: Connection, run: Run, *, number: int, to: BatchState, **values: Any
) -> RowMapping:
    query = select(BATCH).where(BATCH.c.run_id == run.id, BATCH.c.number == number)
    row = connection.execute(query).mappings().first()
    name = f"Batch {number} of run {run.id}"
    if row is None:
        raise StoreError(f"{name} is not in this store.")
    check_batch_move(name, old=BatchState(row["state"]), new=to)
    _set(connection, run, number=number, state=to, **values)
    return row


def _set(connection: Connection, run: Run, *, number: int, **values: Any) -> None:
    this = update(BATCH).where(BATCH.c.run_id == run.id, BATCH.c.number == number)
    connection.execute(this.values(**values))


def _align(outcomes: pd.DataFrame, *, image: pd.DataFrame, name: str) -> pd.DataFrame:
    """One column `outcome` in the order of the image."""
    keys = list(CELL_KEYS)
    given = take_columns(outcomes, what="Outcomes", columns=[*keys, "outcome"]).astype("str")
    unknown = int((~given["outcome"].isin([str(known) for known in Outcome])).sum())
    merged = image[keys].merge(given, how="left", on=keys)
    missing = int(merged["outcome"].isna().sum())
    if unknown or missing or len(given) != len(image):
        raise StoreError(
            f"The outcomes do not fit {name}: {len(image)} cells, {len(given)} outcomes, "
            f"{missing} cells without one, {unknown} outcomes of no known kind."
        )
    return merged[["outcome"]]
