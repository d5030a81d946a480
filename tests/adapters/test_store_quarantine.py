"""Stopped rows are kept sealed until each is answered, and as long as the study's data is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from store_cases import NASTY, NOW, begin, bytes_on_disk, make_cells, open_store

from capstan.errors import StoreError, UsageError
from capstan.plan import CELL_COLUMNS
from capstan.store import (
    ITEM_COLUMNS,
    ItemState,
    RunState,
    Store,
    decide_items,
    end_run,
    keep_rejected,
    purge,
    read_items,
)

CELLS = make_cells(*NASTY)[list(CELL_COLUMNS)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def kept(store: Store, cells: pd.DataFrame = CELLS, **changes: object) -> str:
    run = begin(store, **changes)
    keep_rejected(store, run, cells=cells, now=NOW)
    end_run(store, run, state=RunState.IDLE, now=run.started_at)
    return run.id


def test_rows_come_back_as_they_were_stopped_one_item_for_each_place(store: Store) -> None:
    run = kept(store)
    items = read_items(store)

    assert tuple(items.columns) == ITEM_COLUMNS
    assert items[list(CELL_COLUMNS)].equals(CELLS.astype("str"))
    assert list(items["item"]) == [f"{run}/{number}" for number in range(1, len(NASTY) + 1)]
    assert set(items["state"]) == {ItemState.OPEN}


def test_two_cells_and_two_versions_of_one_row_are_one_item(store: Store) -> None:
    row = CELLS.iloc[[0, 0, 0]].assign(field=["weight", "height", "weight"], after=["1", "2", "3"])
    kept(store, row)

    assert read_items(store)["item"].nunique() == 1
    assert list(read_items(store)["after"]) == ["1", "2", "3"]


def test_rows_that_are_stopped_later_are_numbered_on(store: Store) -> None:
    run = begin(store)
    keep_rejected(store, run, cells=CELLS.iloc[:2], now=NOW)
    keep_rejected(store, run, cells=CELLS.iloc[2:3], now=NOW)

    assert list(read_items(store)["item"]) == [f"{run.id}/{number}" for number in (1, 2, 3)]


def test_no_row_is_no_item(store: Store) -> None:
    assert keep_rejected(store, begin(store), cells=CELLS.iloc[:0], now=NOW) == 0
    assert read_items(store).empty


def test_items_are_found_by_study_project_and_name(store: Store) -> None:
    mine = kept(store)
    kept(store, study="other")
    moved = kept(store, project_id=99)

    assert set(read_items(store, study="demo")["run"]) == {mine, moved}
    assert set(read_items(store, study="demo", project=("redcap.test", 99))["run"]) == {moved}
    assert set(read_items(store, names=[f"{mine}/2"])["record"]) == {"001"}


def test_an_unknown_item_is_a_usage_error(store: Store) -> None:
    kept(store)

    with pytest.raises(UsageError, match="There is no item 'nope/1' in quarantine"):
        read_items(store, names=["nope/1"])


def test_an_answered_item_is_open_no_more_and_is_not_answered_twice(store: Store) -> None:
    run = kept(store)
    told = {"state": ItemState.CLOSED, "by": "Ann", "reason": "entered by hand", "now": NOW}

    assert decide_items(store, {f"{run}/1", f"{run}/2"}, **told) == 2
    assert decide_items(store, {f"{run}/1"}, **told) == 0
    assert f"{run}/1" not in set(read_items(store)["item"])
    closed = read_items(store, every=True).query("state == 'closed'")
    assert set(closed["by"] + ": " + closed["reason"]) == {"Ann: entered by hand"}


def test_retention_deletes_the_rows_and_says_that_they_expired(store: Store) -> None:
    run = kept(store)
    purge(store, before=NOW + timedelta(days=1), now=NOW)

    assert read_items(store, every=True).empty
    assert decide_items(store, {f"{run}/1"}, state=ItemState.CLOSED, by="", reason="", now=NOW) == 0


def test_no_value_of_a_stopped_row_is_readable_on_disk(tmp_path: Path) -> None:
    cells = CELLS.iloc[:1].assign(record="R-PLANTED", before="B-PLANTED", after="A-PLANTED")
    with open_store(tmp_path) as store:
        kept(store, cells)

    assert b"PLANTED" not in bytes_on_disk(tmp_path)


def test_cells_that_are_no_text_are_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="Stopped rows hold something else than text"):
        keep_rejected(store, begin(store), cells=CELLS.assign(after=1), now=NOW)
