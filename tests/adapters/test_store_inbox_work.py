"""Work on the inbox: shared by workers, survived by items, done anew when a person or a revision wants it."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from inbox_cases import FLOW, came_in, work
from sqlalchemy import select, update
from store_cases import NOW

from capstan.errors import UsageError
from capstan.store import (
    LEASE,
    MOST_ATTEMPTS,
    Asking,
    Choice,
    ItemStatus,
    Result,
    Store,
    Worked,
    claim_items,
    count_waiting,
    flows_due,
    give_back_items,
    keep_item,
    list_asked,
    list_items,
    load_keys,
    log_items,
    purge,
    put_off_asked,
    read_asked,
    read_item,
    reopen_history,
    reopen_items,
    strike_asked,
)
from capstan.store.inbox_tables import INBOX

VISITS = "compute_visit_dates"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SPAWN = multiprocessing.get_context("spawn")


def statuses(store: Store, **chosen: object) -> list[str]:
    return [one.status.value for one in reversed(list_items(store, Choice(**chosen)))]


def test_items_are_worked_on_in_their_order_and_once(store: Store) -> None:
    came_in(store, "1", "2", "3")

    first, second, third = work(store, limit=2), work(store, limit=2), work(store)

    assert (first, second, third) == (["1", "2"], ["3"], [])
    assert statuses(store) == ["loaded"] * 3


def test_items_of_another_study_are_left_to_it(store: Store) -> None:
    came_in(store, "1", study="other")

    assert work(store) == []
    assert count_waiting(store, "other", now=NOW) == 1


def test_no_two_workers_have_one_item(store: Store) -> None:
    came_in(store, "1", "2", "3")

    mine = claim_items(store, "demo", limit=2, now=NOW)
    others = claim_items(store, "demo", limit=2, now=NOW)

    assert [len(mine), len(others)] == [2, 1]
    assert not {item.id for item in mine} & {item.id for item in others}


def share(url: str, home: Path, told: object) -> None:
    """Work on whatever there is, and say on what."""
    with Store.open(url, load_keys(None, home=home)) as store:
        done: list[str] = []
        while some := work(store, limit=3, asks=(Asking(VISITS, "7"),)):
            done += some
    told.put(done)


def test_processes_share_the_items_and_do_none_twice(url: str, store: Store, tmp_path: Path) -> None:
    came_in(store, *map(str, range(60)))
    told = SPAWN.Queue()
    workers = [SPAWN.Process(target=share, args=(url, tmp_path, told)) for _ in range(3)]

    for worker in workers:
        worker.start()
    done = Counter(record for _ in workers for record in told.get(timeout=60))
    for worker in workers:
        worker.join(60)

    assert done == Counter(map(str, range(60)))
    assert [one.record for one in read_asked(store, "demo", flow=VISITS)] == ["7"]


def test_a_dead_workers_items_come_back_at_once(store: Store) -> None:
    came_in(store, "1")
    claim_items(store, "demo", limit=1, now=NOW)
    with store.write() as connection:
        owner = connection.execute(select(INBOX.c.claimed_by)).scalar_one()
        place, _, _ = owner.rsplit(":", 2)
        connection.execute(update(INBOX).values(claimed_by=f"{place}:999999:gone-1"))

    assert work(store) == ["1"]


def test_a_claim_ends_with_its_lease_also_of_a_worker_that_hangs(store: Store) -> None:
    came_in(store, "1")
    held = claim_items(store, "demo", limit=1, now=NOW)

    before, after = work(store, now=NOW + LEASE - MINUTE), work(store, now=NOW + LEASE)

    assert (before, after) == ([], ["1"])
    assert len(held) == 1


def test_who_lost_its_claim_changes_nothing_any_more(store: Store) -> None:
    came_in(store, "1")
    late = claim_items(store, "demo", limit=1, now=NOW)
    work(store, now=NOW + LEASE)

    give_back_items(store, late)

    assert statuses(store) == ["loaded"]


def test_the_same_item_after_its_item_was_claimed_is_a_new_item(store: Store) -> None:
    came_in(store, "1")
    claim_items(store, "demo", limit=1, now=NOW)
    came_in(store, "1")

    assert work(store) == ["1"]
    assert len(list_items(store, Choice())) == 2


def test_what_failed_is_tried_alone_later_and_in_the_end_left_to_a_person(store: Store) -> None:
    came_in(store, "1", "2")
    times, now = [], NOW
    while any(status in ("open", "again") for status in statuses(store)):
        some = work(store, Worked.FAILED, now=now)
        times += [(now - NOW, len(some))] if some else []
        now += timedelta(hours=6)

    assert times[0] == (timedelta(0), 2)
    assert {count for _, count in times[1:]} == {1}
    assert statuses(store) == ["failed", "failed"]
    assert {one.attempts for one in list_items(store, Choice())} == {MOST_ATTEMPTS}


def test_a_failure_waits_before_it_is_tried_again_and_holds_up_no_other(store: Store) -> None:
    came_in(store, "1")
    work(store, Worked.FAILED)
    came_in(store, "2")

    at_once, later = work(store), work(store, now=NOW + MINUTE)

    assert (at_once, later) == (["2"], ["1"])
    assert statuses(store) == ["loaded", "loaded"]


def test_a_retry_replaces_its_line_of_the_log_and_a_new_revision_adds_one(store: Store) -> None:
    came_in(store, "1")
    work(store, Worked.FAILED)
    work(store, now=NOW + MINUTE)
    reopen_items(store, Choice(study="demo"))
    work(store, Worked.SKIPPED, now=NOW + DAY, revision=2)

    kept, lines = read_item(store, 1)

    assert [(line.flow, line.revision, line.outcome) for line in lines] == [
        (FLOW, 1, "loaded"),
        (FLOW, 2, "skipped"),
    ]
    assert kept.status is ItemStatus.SKIPPED


def test_an_item_shows_what_became_of_it_last_also_after_a_revision_was_lowered(store: Store) -> None:
    came_in(store, "1")
    work(store, Worked.LOADED, revision=1)
    reopen_items(store, Choice())
    work(store, Worked.LOADED, revision=2, now=NOW + MINUTE)
    reopen_items(store, Choice())

    work(store, Worked.SKIPPED, revision=1, now=NOW + DAY)

    assert statuses(store) == ["skipped"]


def test_a_raised_revision_reopens_the_newest_item_of_each_form_once(store: Store) -> None:
    came_in(store, "1", "2")
    came_in(store, "1", now=NOW + DAY, username="later")
    came_in(store, "1", now=NOW + DAY, instrument="other")
    work(store, now=NOW + DAY)

    counts = [reopen_history(store, "demo", flow=FLOW, revision=number, now=NOW) for number in (1, 2, 2, 1)]

    assert counts == [0, 3, 0, 0]
    assert statuses(store) == ["loaded", "open", "open", "open"]


@pytest.mark.parametrize(
    ("chosen", "records"),
    [
        ({"record": "2"}, ["2"]),
        ({"numbers": (1, 3)}, ["1", "3"]),
        ({"since": NOW + DAY}, ["3"]),
        ({"until": NOW + DAY}, ["1", "2"]),
        ({"status": ItemStatus.LOADED}, ["1", "2", "3"]),
        ({"status": ItemStatus.FAILED}, []),
    ],
)
def test_items_are_replayed_by_number_record_time_and_status(
    chosen: dict[str, object], records: list[str], store: Store
) -> None:
    came_in(store, "1", "2")
    came_in(store, "3", now=NOW + DAY)
    work(store, now=NOW + DAY)

    reopened = reopen_items(store, Choice(study="demo", **chosen))

    assert reopened == (len(records), 0)
    assert work(store, now=NOW + DAY) == records


def test_what_is_being_worked_on_is_not_reopened(store: Store) -> None:
    came_in(store, "1")
    claim_items(store, "demo", limit=1, now=NOW)

    assert reopen_items(store, Choice(study="demo")).items == 0


def test_retention_deletes_what_done_items_said_and_nothing_of_open_ones(store: Store) -> None:
    came_in(store, "1")
    work(store)
    came_in(store, "2")

    purge(store, before=NOW + DAY, now=NOW + DAY, study="demo")

    forms = {one.id: one.form for one in list_items(store, Choice(), forms=True)}
    assert forms[1] is None
    assert forms[2]["record"] == "2"
    assert reopen_items(store, Choice(numbers=(1,))) == (0, 1)


def test_an_item_that_no_key_opens_comes_without_its_form(store: Store) -> None:
    came_in(store, "1")
    with store.write() as connection:
        connection.execute(update(INBOX).values(sealed=b"of another key"))

    (item,) = claim_items(store, "demo", limit=1, now=NOW)

    assert item.form is None


def test_a_number_that_is_none_is_a_persons_mistake(store: Store) -> None:
    with pytest.raises(UsageError, match="There is no item 7"):
        read_item(store, 7)


def test_records_are_asked_for_once_and_struck_off_unless_asked_for_again(store: Store) -> None:
    came_in(store, "1", "2", "3")
    work(store, asks=(Asking(VISITS, "1"), Asking(VISITS, "1")))
    seen = read_asked(store, "demo", flow=VISITS)
    came_in(store, "4")
    work(store, asks=(Asking(VISITS, "1"), Asking(VISITS, "2")))

    strike_asked(store, "demo", asked=seen)

    assert [one.record for one in seen] == ["1"]
    assert {one.record for one in read_asked(store, "demo", flow=VISITS)} == {"1", "2"}


def test_a_run_strikes_off_nothing_that_was_asked_for_after_another_run_struck_it_off(store: Store) -> None:
    came_in(store, "1", "2")
    work(store, asks=(Asking(VISITS, "1"),), limit=1)
    seen_by_two = read_asked(store, "demo", flow=VISITS)
    strike_asked(store, "demo", asked=seen_by_two)
    work(store, asks=(Asking(VISITS, "1"),), now=NOW + MINUTE)

    strike_asked(store, "demo", asked=seen_by_two)

    assert [one.record for one in read_asked(store, "demo", flow=VISITS)] == ["1"]


def test_a_flow_that_failed_is_due_again_later_or_when_it_is_asked_for_again(store: Store) -> None:
    came_in(store, "1")
    work(store, asks=(Asking(VISITS, "1"),))
    put_off_asked(store, "demo", asked=read_asked(store, "demo", flow=VISITS), now=NOW)
    now_due, later_due = flows_due(store, "demo", now=NOW), flows_due(store, "demo", now=NOW + MINUTE)
    waiting = list_asked(store, study="demo")
    came_in(store, "2")
    work(store, asks=(Asking(VISITS, "1"),))

    assert (now_due, later_due) == ((), (VISITS,))
    assert [(one.flow, one.records, one.attempts) for one in waiting] == [(VISITS, 1, 1)]
    assert flows_due(store, "demo", now=NOW) == (VISITS,)


def test_a_partners_item_names_no_record(store: Store) -> None:
    keep_item(store, study="demo", source="partner/agile", form={"changed": "yes"}, now=NOW)

    (kept,) = list_items(store, Choice(), forms=True)

    assert (kept.source, kept.form) == ("partner/agile", {"changed": "yes"})
    assert reopen_history(store, "demo", flow=FLOW, revision=9, now=NOW) == 0


def test_workers_that_ask_for_the_same_records_in_other_orders_do_not_stop_each_other(store: Store) -> None:
    count = 40
    came_in(store, *(f"{number:02}" for number in range(2 * count)))
    batches = [claim_items(store, "demo", limit=count, now=NOW) for _ in range(2)]
    asks = [Asking(VISITS, f"{number:02}") for number in range(count)]
    results = [
        [Result(item, Worked.LOADED, asks=(ask,)) for item, ask in zip(items, order, strict=True)]
        for items, order in zip(batches, (asks, asks[::-1]), strict=True)
    ]

    counts = _at_once(
        [partial(log_items, store, "demo", results=each, flow=FLOW, revision=1, now=NOW) for each in results]
    )

    assert counts == [count, count]
    assert len(read_asked(store, "demo", flow=VISITS)) == count


def test_runs_that_strike_off_records_in_other_orders_do_not_stop_each_other(store: Store) -> None:
    came_in(store, "1")
    work(store, asks=tuple(Asking(VISITS, f"{number:02}") for number in range(40)))
    seen = read_asked(store, "demo", flow=VISITS)

    _at_once([partial(strike_asked, store, "demo", asked=each) for each in (seen, seen[::-1])])

    assert read_asked(store, "demo", flow=VISITS) == ()


def _at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Begin jobs at the same moment, each in a thread; gives what they return, or raises what one raises."""
    ready = Barrier(len(jobs))
    with ThreadPoolExecutor(len(jobs)) as pool:
        begun = [pool.submit(lambda job=job: (ready.wait(10), job())[1]) for job in jobs]
        return [one.result() for one in begun]
