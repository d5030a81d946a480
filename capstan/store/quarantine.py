"""Keeps the rows that runs stopped, sealed, until somebody has answered each of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import pandas as pd
from sqlalchemy import ColumnElement, bindparam, insert, select, update

from capstan.errors import UsageError
from capstan.plan import CELL_COLUMNS, KEYS
from capstan.store.connection import Store
from capstan.store.frames import take_columns
from capstan.store.moves import own_run, set_values
from capstan.store.rows import Run
from capstan.store.states import ItemState
from capstan.store.tables import QUARANTINE, RUN

ITEM_COLUMNS = ("item", "run", "state", "since", "by", "reason", *CELL_COLUMNS)
_TOLD = (QUARANTINE.c.run_id, QUARANTINE.c.number, QUARANTINE.c.state, QUARANTINE.c.by, QUARANTINE.c.reason)


def keep_rejected(store: Store, run: Run, *, cells: pd.DataFrame, now: datetime) -> int:
    """Keep the cells (`CELL_COLUMNS`, text) of rows that a run stopped; returns how many rows.

    A row is one place: versions of it that contradict each other stay together. May be called again for
    rows that were stopped later.
    """
    if cells.empty:
        return 0
    taken = take_columns(cells, what="Stopped rows", columns=CELL_COLUMNS)
    with store.write() as connection:
        own_run(connection, run)
        token = connection.execute(select(RUN.c.rejected).where(RUN.c.id == run.id)).scalar()
        former = [store.unseal(token)] if token else []
        first = 1 + sum(frame["number"].astype(int).max() for frame in former)
        numbers = first + taken.groupby(list(KEYS), sort=False).ngroup()
        parts = [*former, taken.assign(number=numbers.astype("str"))]
        whole = pd.concat(parts, ignore_index=True).astype("str")
        set_values(connection, run.id, heartbeat_at=now, rejected=store.seal(whole))
        rows = [
            {"run_id": run.id, "number": int(number), "state": ItemState.OPEN, "by": "", "reason": ""}
            for number in numbers.unique()
        ]
        connection.execute(insert(QUARANTINE), rows)
    return len(rows)


def read_items(
    store: Store,
    *,
    study: str | None = None,
    project: tuple[str, int] | None = None,
    names: Collection[str] = (),
    every: bool = False,
) -> pd.DataFrame:
    """The cells of stopped rows as `ITEM_COLUMNS`, text, oldest first; `since` is an ISO time in UTC.

    `project` is host and project id. Only open items, unless `every` or `names` has ids, such as `RUN/3`;
    an unknown one is a UsageError.
    Rows that retention has deleted have no cells and do not come.
    """
    wanted = [] if study is None else [RUN.c.study == study]
    wanted += [RUN.c.host == project[0], RUN.c.project_id == project[1]] if project else []
    wanted += [] if every or names else [QUARANTINE.c.state == ItemState.OPEN]
    items = _list_items(store, wanted)
    if names:
        items = _chosen(items, names=names)
    parts = [_with_cells(store, run=str(run), items=part) for run, part in items.groupby("run", sort=False)]
    empty = pd.DataFrame({name: pd.Series(dtype="str") for name in ITEM_COLUMNS})
    return pd.concat([empty, *parts], ignore_index=True) if parts else empty


def decide_items(
    store: Store, items: Collection[str], *, state: ItemState, by: str, reason: str, now: datetime
) -> int:
    """Answer open items by their ids; returns how many were still open."""
    keys = [{"run": name.partition("/")[0], "at": int(name.partition("/")[2])} for name in items]
    this = update(QUARANTINE).where(
        QUARANTINE.c.run_id == bindparam("run"),
        QUARANTINE.c.number == bindparam("at"),
        QUARANTINE.c.state == ItemState.OPEN,
    )
    decided = this.values(state=state, by=by, reason=reason, decided_at=now)
    with store.write() as connection:
        return sum(connection.execute(decided, key).rowcount for key in keys)


def _list_items(store: Store, wanted: Collection[ColumnElement[bool]]) -> pd.DataFrame:
    query = select(*_TOLD, RUN.c.started_at).join(RUN, RUN.c.id == QUARANTINE.c.run_id).where(*wanted)
    order = (RUN.c.started_at, QUARANTINE.c.run_id, QUARANTINE.c.number)
    with store.read() as connection:
        rows = connection.execute(query.order_by(*order)).all()
    told = [
        (f"{run}/{number}", run, state, since.isoformat(timespec="seconds"), by, reason, str(number))
        for run, number, state, by, reason, since in rows
    ]
    return pd.DataFrame(told, columns=[*ITEM_COLUMNS[: -len(CELL_COLUMNS)], "number"], dtype="str")


def _chosen(items: pd.DataFrame, *, names: Collection[str]) -> pd.DataFrame:
    unknown = sorted(set(names) - set(items["item"]))
    if unknown:
        raise UsageError(f"There is no item {unknown[0]!r} in quarantine; `capstan quarantine list` has all.")
    return items[items["item"].isin(set(names))]


def _with_cells(store: Store, *, run: str, items: pd.DataFrame) -> pd.DataFrame:
    with store.read() as connection:
        token = connection.execute(select(RUN.c.rejected).where(RUN.c.id == run)).scalar()
    if token is None:
        return pd.DataFrame(columns=list(ITEM_COLUMNS), dtype="str")
    return items.merge(store.unseal(token), on="number")[list(ITEM_COLUMNS)]
