"""The pages that show how a study stands, drawn from a store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from board_cases import SECRET, hold_plan, open_scan, stop_rows
from inbox_cases import came_in
from outbox_cases import accept, planned, queue
from store_cases import NOW, open_store

from capstan.store import Store, record_event
from tasks.report.boards import BOARDS
from tasks.report.drawing import Drawing, Page, drawn

LATER = NOW + timedelta(days=2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def board(store: Store, name: str) -> Drawing:
    return BOARDS[name].draw(store, "demo", LATER)


def test_the_page_of_held_plans_says_what_to_do_with_each(store: Store) -> None:
    hold_plan(store, until=LATER + timedelta(days=1))

    (row,) = board(store, "held-plans").rows

    assert (row["plan"], row["flow"], row["cells"]) == ("`cdcdcdcdcdcd`", "compute_visit_dates", 21)
    assert row["can be approved until"] == "2026-11-25 10:15"


def test_a_plan_that_is_too_old_waits_for_nobody(store: Store) -> None:
    hold_plan(store, until=NOW)

    assert board(store, "held-plans").said == "0 plans wait."


def test_the_page_of_rows_counts_them_by_the_check_that_stopped_them(store: Store) -> None:
    stop_rows(store)

    page = board(store, "stopped-rows")

    assert (page.said, page.counts) == ("3 rows wait.", {"range": 1})


def test_links_to_forms_say_nothing_of_the_participant(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSTAN_PUBLIC_URL", "https://capstan.example.org")
    stop_rows(store)

    links = [each for each in board(store, "stopped-rows").then if "/records/" in each]

    assert len(links) == 3
    assert all(each.partition("/records/")[2].rstrip(")").isalnum() for each in links)


def test_the_page_of_monitors_counts_by_age(store: Store) -> None:
    open_scan(store, "1")
    open_scan(store, "2", since=NOW - timedelta(days=30))

    page = board(store, "monitors")

    assert page.counts == {"under 1 day": 0, "1 to 3 days": 1, "3 to 7 days": 0, "over 7 days": 1}


def test_the_page_of_deliveries_explains_a_code(store: Store) -> None:
    queue(store, planned(1))
    accept(store, "SM1")
    record_event(store, attempt="", sid="SM1", status="undelivered", code=30003, at=NOW, now=NOW)

    (row,) = board(store, "deliveries").rows

    assert row["code"] == "30003"
    assert row["what the code means"]


def test_pages_of_an_empty_store_have_no_facts_and_can_be_drawn(store: Store) -> None:
    assert not any(one.facts(store, "demo", NOW) for one in BOARDS.values())
    assert all(drawn(Page("demo", name, name), board(store, name)) for name in BOARDS)


def test_no_page_holds_what_participants_are_known_by(store: Store) -> None:
    stop_rows(store)
    hold_plan(store, until=LATER)
    open_scan(store, SECRET)
    queue(store, planned(1, text=SECRET, record=SECRET))
    accept(store)
    came_in(store, SECRET)

    pages = [drawn(Page("demo", name, name), board(store, name)) for name in BOARDS]

    assert not any(SECRET in page for page in pages)
    assert not any(SECRET in repr(one.facts(store, "demo", NOW)) for one in BOARDS.values())
