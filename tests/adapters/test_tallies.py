"""Counts of what the store holds, on each kind of database."""

from __future__ import annotations

from datetime import timedelta

from board_cases import open_scan, stop_rows
from inbox_cases import came_in, work
from outbox_cases import accept, planned, queue
from store_cases import NOW

from capstan.store import ItemState, Store, Worked, decide_items, record_event
from capstan.store.tallies import (
    Inbox,
    Stopped,
    Tried,
    open_waits_of,
    tally_attempts,
    tally_inbox,
    tally_stopped,
)

LATER = NOW + timedelta(days=2)


def test_attempts_are_counted_by_channel_status_and_code(store: Store) -> None:
    queue(store, planned(2))
    accept(store, "SM1")
    accept(store, "SM2")
    record_event(store, attempt="", sid="SM2", status="undelivered", code=30003, at=NOW, now=NOW)

    tried = tally_attempts(store, "demo", since=NOW)

    assert tried == (Tried("sms", "queued", 0, 1), Tried("sms", "undelivered", 30003, 1))


def test_attempts_of_long_ago_and_of_other_studies_are_not_counted(store: Store) -> None:
    queue(store, planned(1))
    accept(store)

    assert tally_attempts(store, "demo", since=LATER) == tally_attempts(store, "other", since=NOW) == ()


def test_rows_are_counted_until_they_are_answered(store: Store) -> None:
    run = stop_rows(store)
    answer = {"state": ItemState.CLOSED, "by": "Ada", "reason": "not wanted", "now": NOW}
    decide_items(store, {f"{run}/1"}, **answer)

    assert tally_stopped(store, "demo") == (Stopped(run, "import_file", NOW, 2),)


def test_items_are_counted_with_those_that_failed(store: Store) -> None:
    came_in(store, "1", "2")
    work(store, Worked.FAILED, limit=1)

    assert tally_inbox(store, "demo") == Inbox(waiting=2, failed=1)


def test_an_empty_inbox_has_nothing_that_failed(store: Store) -> None:
    assert tally_inbox(store, "demo") == Inbox(0, 0)


def test_open_waits_come_oldest_first(store: Store) -> None:
    open_scan(store, "1", since=NOW)
    open_scan(store, "2", since=NOW - timedelta(days=5))

    assert [one.since for one in open_waits_of(store, "demo")] == [NOW - timedelta(days=5), NOW]
