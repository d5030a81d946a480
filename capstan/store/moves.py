"""Reads and changes one run: the only place where a run's state or owner is compared with the store's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from capstan.errors import Refused, StoreError
from capstan.store.connection import Store
from capstan.store.owners import describe_owner
from capstan.store.rows import Run, to_run
from capstan.store.states import RunState, check_run_move
from capstan.store.tables import RUN, RUN_VALUES


def own_run(connection: Connection, run: Run) -> Run:
    """Read a run as it is now and lock it; Refused when its owner has changed since `run` was read."""
    query = select(*RUN_VALUES).where(RUN.c.id == run.id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise StoreError(f"Run {run.id} is not in this store.")
    if row["owner"] != run.owner:
        raise Refused(
            f"Run {run.id} now belongs to {describe_owner(row['owner'])}; this process leaves it alone."
        )
    return to_run(row)


def move_run(connection: Connection, run: Run, *, to: RunState, **values: Any) -> None:
    """Move an owned run to a state that may follow its present one, and set columns with it."""
    check_run_move(run.id, old=own_run(connection, run).state, new=to)
    set_values(connection, run.id, state=to, **values)


def reload_run(store: Store, run_id: str) -> Run:
    """The run with exactly this id."""
    with store.read() as connection:
        return to_run(connection.execute(select(*RUN_VALUES).where(RUN.c.id == run_id)).mappings().one())


def set_values(connection: Connection, run_id: str, **values: Any) -> None:
    """Set columns of a run that the caller has locked with `own_run`."""
    connection.execute(update(RUN).where(RUN.c.id == run_id).values(**values))
