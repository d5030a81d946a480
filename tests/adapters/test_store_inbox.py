"""What was told is kept once, and a later save is never taken for an earlier one; on both databases."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Row, select, update
from store_cases import NOW, bytes_on_disk, store_url

from capstan.store import Arrival, Store, item_mark, keep_item, keep_items, load_keys
from capstan.store.inbox_tables import INBOX

FORM = {"record": "R-1", "instrument": "exam", "username": "zoë", "exam_complete": "2"}
ABOUT = {"study": "demo", "source": "redcap", "form": FORM}


def rows(store: Store) -> list[Row]:
    with store.read() as connection:
        return list(connection.execute(select(INBOX).order_by(INBOX.c.id)))


def change(store: Store, **values: object) -> None:
    with store.write() as connection:
        connection.execute(update(INBOX).values(**values))


def test_an_item_holds_what_was_told_sealed(store: Store) -> None:
    is_new = keep_item(store, **ABOUT, now=NOW)
    (row,) = rows(store)

    assert is_new
    assert json.loads(store.keys.unseal(row.sealed)) == FORM
    assert (row.study, row.source, row.made_by, row.received_at) == ("demo", "redcap", "", NOW)
    assert (row.claimed_by, row.claimed_until, row.done_at) == (None, None, None)


def test_no_value_is_on_disk_in_clear(tmp_path: Path) -> None:
    with Store.open(store_url(tmp_path), load_keys(None, home=tmp_path)) as store:
        keep_item(store, **ABOUT, now=NOW)

    assert not any(word in bytes_on_disk(tmp_path) for word in (b"R-1", "zoë".encode()))


def test_the_same_within_the_window_is_counted_while_nobody_works_on_it(store: Store) -> None:
    later = NOW + timedelta(minutes=4, seconds=59)
    swapped = {**ABOUT, "form": dict(reversed(FORM.items()))}

    assert [keep_item(store, **ABOUT, now=NOW), keep_item(store, **swapped, now=later)] == [True, False]
    assert [(row.times_seen, row.last_seen_at) for row in rows(store)] == [(2, later)]


@pytest.mark.parametrize(
    "work",
    [
        {"claimed_by": "a worker", "claimed_until": NOW + timedelta(minutes=5)},
        {"done_at": NOW},
        {"received_at": NOW - timedelta(minutes=5)},
    ],
)
def test_the_same_after_work_began_or_after_the_window_is_a_new_item(
    store: Store, work: dict[str, object]
) -> None:
    keep_item(store, **ABOUT, now=NOW)
    change(store, **work)

    assert keep_item(store, **ABOUT, now=NOW)
    assert [row.times_seen for row in rows(store)] == [1, 1]


@pytest.mark.parametrize(
    "other",
    [
        {"study": "other"},
        {"source": "partner/x"},
        {"made_by": "reconcile"},
        {"form": {**FORM, "exam_complete": "1"}},
    ],
)
def test_what_differs_in_anything_is_another_item(store: Store, other: dict[str, object]) -> None:
    keep_item(store, **ABOUT, now=NOW)

    assert keep_item(store, **{**ABOUT, **other}, now=NOW)
    assert len(rows(store)) == 2


def test_what_was_signed_at_a_time_is_a_repetition_for_ever(store: Store) -> None:
    signed = Arrival("demo", "partner/x", FORM, signed_at="1700000000")
    keep_items(store, [signed], now=NOW)
    change(store, claimed_by="a worker", done_at=NOW)
    counts = [keep_items(store, [signed], now=NOW + timedelta(days=1)) for _ in range(2)]

    assert counts == [0, 0]
    assert [row.times_seen for row in rows(store)] == [3]


def test_a_group_keeps_its_order_and_counts_what_it_has_twice(store: Store) -> None:
    arrivals = [Arrival("demo", "redcap", {"record": name}) for name in ("b", "a", "b", "c", "b")]
    count = keep_items(store, arrivals, now=NOW)

    assert count == 3
    assert [row.times_seen for row in rows(store)] == [3, 1, 1]
    assert [row.mark for row in rows(store)] == [item_mark(store, arrivals[at]) for at in (0, 1, 3)]


def test_two_that_are_told_the_same_at_once_keep_one_item(store: Store) -> None:
    def tell(_: int) -> int:
        return keep_items(store, [Arrival("demo", "redcap", {"record": str(n)}) for n in range(20)], now=NOW)

    with ThreadPoolExecutor(4) as pool:
        new = sum(pool.map(tell, range(12)))

    assert new == 20
    assert {row.times_seen for row in rows(store)} == {12}
