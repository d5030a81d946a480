"""Queries in the store: opened once, kept, answered, closed by themselves, and following their records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text
from store_cases import NOW, open_store

from capstan.errors import UsageError
from capstan.query import QueryState
from capstan.store import Store, load_keys, purge
from capstan.store.outbox_rows import Mailroom
from capstan.store.queries import (
    AGES,
    age_of,
    answer_query,
    count_queries,
    dismiss_query,
    list_queries,
    read_query,
    reopen_query,
)
from capstan.store.query_following import close_queries_of, rename_queries
from capstan.store.query_moves import Looked
from capstan.store.query_rows import FINDING_COLUMNS, Query
from capstan.store.query_settling import Settled, settle_queries

ROOM = Mailroom("demo", "redcap.test", 14)
HOUR = timedelta(hours=1)
EVERY = tuple(QueryState)
RECORD = "Zoë\u2028'17'"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """SQLite; a whole life is lived on PostgreSQL too, in a test of its own."""
    with open_store(tmp_path) as opened:
        yield opened


def finding(**changes: str) -> dict[str, str]:
    place = {"record": RECORD, "event": "baseline_arm_1", "instrument": "", "instance": "", "field": "weight"}
    said = {"check": "range", "severity": "error", "reason": "is above the range", "form": "exam"}
    return {**place, **said, "site": "north", "content": "720", **changes}


def settle(
    store: Store,
    *findings: dict[str, str],
    at: datetime = NOW,
    looked: Looked | None = None,
    at_most: int = 100,
) -> Settled:
    found = pd.DataFrame(findings, columns=list(FINDING_COLUMNS))
    given = replace(looked, at=at) if looked else Looked(at)
    return settle_queries(store, ROOM, found=found, looked=given, at_most=at_most)


def only(store: Store) -> Query:
    (found,) = list_queries(store, ROOM, states=EVERY)
    return found


def happened(store: Store, number: int = 1) -> list[str]:
    return [event.happened.value for event in read_query(store, ROOM, number)[1]]


def test_the_life_of_queries_is_the_same_in_every_database(url: str, tmp_path: Path) -> None:
    with Store.open(url, load_keys(None, home=tmp_path)) as store:
        settle(store, finding(), finding(record="2"), finding(record="3"), at_most=2)
        answer_query(store, ROOM, 1, text="yes", by="Ann", now=NOW)
        settle(store, finding(content="1"), at=NOW + HOUR)
        settle(store, finding(content="1"), finding(record="2"), at=NOW + 2 * HOUR)
        rename_queries(store, ROOM, old="2", new="20", now=NOW + 2 * HOUR)
        settle(store, finding(record="20"), at=NOW + 3 * HOUR)
        purge(store, before=NOW + 4 * HOUR, now=NOW + 4 * HOUR)
        counts = count_queries(store, ROOM, now=NOW + 4 * HOUR)
        lives = [happened(store, number) for number in (1, 2)]

    assert lives == [
        ["opened", "answered", "closed", "reopened"],
        ["opened", "closed"],
    ]
    assert counts["open"].tolist() == [1]


def test_a_finding_is_opened_once_and_stays_open_while_it_is_seen(store: Store) -> None:
    first = settle(store, finding())
    second = settle(store, finding(), at=NOW + HOUR)

    query = only(store)
    assert (first.opened, second.opened, second.open) == (1, 0, 1)
    assert (query.opened_at, query.last_seen_at) == (NOW, NOW + HOUR)
    assert (query.record, query.place.instrument, query.site) == (RECORD, "exam", "north")
    assert happened(store) == ["opened"]


def test_a_finding_that_is_gone_closes_its_query_and_opens_the_same_one_when_it_is_back(store: Store) -> None:
    settle(store, finding())
    gone = settle(store, at=NOW + HOUR)
    closed = only(store)
    back = settle(store, finding(), at=NOW + 2 * HOUR)

    assert (gone.closed, closed.state, closed.how) == (1, QueryState.CLOSED, "gone")
    assert (back.opened, back.reopened) == (0, 1)
    assert (only(store).id, only(store).opened_at) == (closed.id, NOW + 2 * HOUR)
    assert happened(store) == ["opened", "closed", "reopened"]


@pytest.mark.parametrize("changes", [{"content": "730"}, {"reason": "is above twice the range"}])
def test_an_answer_holds_until_what_was_found_is_another_thing(store: Store, changes: dict[str, str]) -> None:
    settle(store, finding())
    answer_query(store, ROOM, 1, text="weighed twice", by="Ann", now=NOW)
    same = settle(store, finding(), at=NOW + HOUR)
    state = only(store).state
    other = settle(store, finding(**changes), at=NOW + 2 * HOUR)

    assert (state, same.reopened) == (QueryState.ANSWERED, 0)
    assert (only(store).state, other.reopened) == (QueryState.OPEN, 1)
    assert [event.text for event in read_query(store, ROOM, 1)[1]][1] == "weighed twice"


def test_an_answer_about_the_project_holds_while_its_numbers_move(store: Store) -> None:
    place = {"record": "", "field": "", "form": "", "check": "volume.rows"}
    settle(store, finding(**place, reason="at least 120 rows"))
    answer_query(store, ROOM, 1, text="a holiday", by="Ann", now=NOW)
    settle(store, finding(**place, reason="at least 130 rows", content="9"), at=NOW + HOUR)

    assert (only(store).state, only(store).reason) == (QueryState.ANSWERED, "at least 130 rows")


def test_what_is_dismissed_stays_so_until_its_time_is_over(store: Store) -> None:
    settle(store, finding())
    dismiss_query(store, ROOM, 1, reason="a scale of the 1950s", by="Ann", until=NOW + 2 * HOUR, now=NOW)
    before = settle(store, finding(), at=NOW + HOUR)
    state = only(store).state
    after = settle(store, finding(), at=NOW + 2 * HOUR)

    assert (before.dismissed, state) == (1, QueryState.DISMISSED)
    assert (after.reopened, after.dismissed, only(store).until) == (1, 0, None)


def test_a_dismissal_ends_with_its_finding(store: Store) -> None:
    settle(store, finding())
    dismiss_query(store, ROOM, 1, reason="known", by="Ann", until=None, now=NOW)
    settle(store, at=NOW + HOUR)
    settle(store, finding(), at=NOW + 2 * HOUR)

    assert only(store).state is QueryState.OPEN
    assert happened(store) == ["opened", "dismissed", "closed", "reopened"]


@pytest.mark.parametrize(
    "looked",
    [
        Looked(NOW, events=frozenset({"6_month_arm_1"})),
        Looked(NOW, forms=frozenset({"consent"})),
        Looked(NOW, unjudged=frozenset({"range"})),
    ],
    ids=["another event", "another form", "a check that was not made"],
)
def test_a_run_closes_nothing_that_it_did_not_look_at(store: Store, looked: Looked) -> None:
    settle(store, finding())
    settled = settle(store, at=NOW + HOUR, looked=looked)

    assert (settled.closed, settled.open) == (0, 1)


def test_only_a_run_that_looked_at_everything_says_that_the_project_is_well_again(store: Store) -> None:
    whole = finding(record="", event="", field="", form="", check="volume.rows", content="")
    settle(store, whole)
    limited = settle(store, at=NOW + HOUR, looked=Looked(NOW, forms=frozenset({"exam"})))
    full = settle(store, at=NOW + 2 * HOUR)

    assert (limited.closed, full.closed) == (0, 1)


def test_a_run_that_looked_earlier_changes_nothing_of_a_later_one(store: Store) -> None:
    settle(store, finding(), at=NOW + HOUR)
    late = settle(store, at=NOW)
    settle(store, at=NOW + 2 * HOUR)
    later = settle(store, finding(), at=NOW + HOUR)

    assert (late.closed, later.reopened) == (0, 0)
    assert only(store).state is QueryState.CLOSED


def test_above_the_limit_the_most_severe_are_opened_and_the_others_counted(store: Store) -> None:
    found = [finding(record=str(number), severity="warning") for number in range(3)]
    settled = settle(store, *found, finding(), at_most=2)
    again = settle(store, *found, finding(), at=NOW + HOUR, at_most=2)

    assert (settled.opened, settled.left_out, again.opened, again.left_out) == (2, 2, 0, 2)
    assert sorted(query.severity for query in list_queries(store, ROOM)) == ["error", "warning"]


def test_what_one_check_says_twice_of_a_place_is_one_query(store: Store) -> None:
    settle(store, finding(), finding(reason="is odd"))
    settle(store, finding(reason="is odd"), finding(), at=NOW + HOUR)

    assert happened(store) == ["opened"]


def test_a_dry_run_counts_and_changes_nothing(store: Store) -> None:
    found = pd.DataFrame([finding()], columns=list(FINDING_COLUMNS))
    settled = settle_queries(store, ROOM, found=found, looked=Looked(NOW), at_most=9, dry_run=True)

    assert settled.opened == 1
    assert list_queries(store, ROOM, states=EVERY) == ()


def test_queries_of_another_project_are_left_alone(store: Store) -> None:
    settle(store, finding())
    other = ROOM._replace(project_id=15)
    settled = settle_queries(
        store, other, found=pd.DataFrame([finding()]), looked=Looked(NOW + HOUR), at_most=9
    )

    assert settled.opened == 1
    assert only(store).last_seen_at == NOW
    with pytest.raises(UsageError, match="There is no query 1"):
        read_query(store, other, 1)


def test_a_query_goes_on_under_the_new_name_of_its_record(store: Store) -> None:
    settle(store, finding())
    answer_query(store, ROOM, 1, text="yes", by="Ann", now=NOW)
    renamed = rename_queries(store, ROOM, old=RECORD, new="18", now=NOW)
    settled = settle(store, finding(record="18"), at=NOW + HOUR)

    assert (renamed, settled.opened, settled.answered) == (1, 0, 1)
    assert (only(store).id, only(store).record) == (1, "18")


def test_a_query_that_was_opened_under_the_new_name_becomes_one_with_the_former(store: Store) -> None:
    settle(store, finding())
    answer_query(store, ROOM, 1, text="yes", by="Ann", now=NOW)
    settle(store, finding(record="18"), at=NOW + HOUR, looked=Looked(NOW, events=frozenset({"none"})))
    rename_queries(store, ROOM, old=RECORD, new="18", now=NOW + HOUR)
    settled = settle(store, finding(record="18"), at=NOW + 2 * HOUR)

    assert (settled.answered, settled.opened) == (1, 0)
    assert (only(store).id, only(store).last_seen_at) == (1, NOW + 2 * HOUR)


def test_a_query_that_was_closed_before_the_renaming_was_heard_of_goes_on(store: Store) -> None:
    settle(store, finding())
    settle(store, finding(record="18"), at=NOW + HOUR)
    rename_queries(store, ROOM, old=RECORD, new="18", now=NOW + 2 * HOUR)

    assert (only(store).id, only(store).state) == (1, QueryState.OPEN)
    assert happened(store) == ["opened", "closed", "opened"]


def test_the_queries_of_a_deleted_record_are_closed(store: Store) -> None:
    settle(store, finding(), finding(record="18"))
    closed = close_queries_of(store, ROOM, record="18", by="reconcile_triggers", now=NOW + HOUR)

    states = {
        query.record: (query.state.value, query.how) for query in list_queries(store, ROOM, states=EVERY)
    }
    assert closed == 1
    assert states == {RECORD: ("open", ""), "18": ("closed", "record deleted")}


def test_a_query_is_decided_only_where_that_makes_sense(store: Store) -> None:
    settle(store, finding())
    with pytest.raises(UsageError, match="Query 1 is open; it cannot be reopened"):
        reopen_query(store, ROOM, 1, by="Ann", now=NOW)
    with pytest.raises(UsageError, match="must lie ahead"):
        dismiss_query(store, ROOM, 1, reason="no", by="Ann", until=NOW, now=NOW)
    answer_query(store, ROOM, 1, text="yes", by="Ann", now=NOW)
    reopen_query(store, ROOM, 1, by="Ben", now=NOW)
    settle(store, at=NOW + HOUR)

    with pytest.raises(UsageError, match="Query 1 is closed; it cannot be answered"):
        answer_query(store, ROOM, 1, text="yes", by="Ann", now=NOW)
    assert happened(store) == ["opened", "answered", "reopened", "closed"]


def test_queries_are_counted_by_check_age_and_site(store: Store) -> None:
    settle(store, finding(), at=NOW - timedelta(days=40))
    settle(store, finding(), finding(record="2", site=""), finding(record="3", site=""), at=NOW)
    counts = count_queries(store, ROOM, now=NOW)

    assert counts.to_dict("split")["data"] == [
        ["range", "error", "over 30 days", "north", 1],
        ["range", "error", "under 1 day", "", 2],
    ]


@pytest.mark.parametrize(
    ("days", "band"), [(0, 0), (0.99, 0), (1, 1), (6.99, 1), (7, 2), (29.9, 2), (30, 3), (4000, 3)]
)
def test_each_age_is_in_one_band(days: float, band: int) -> None:
    assert age_of(NOW - timedelta(days=days), now=NOW) == AGES[band]


def test_retention_takes_the_names_from_closed_queries_and_they_can_still_come_back(store: Store) -> None:
    settle(store, finding(), finding(record="2"))
    answer_query(store, ROOM, 1, text=f"about {RECORD}", by="Ann", now=NOW)
    settle(store, at=NOW + HOUR)
    purge(store, before=NOW + 2 * HOUR, now=NOW + 2 * HOUR)
    emptied = list_queries(store, ROOM, states=EVERY)
    settle(store, finding(), at=NOW + 3 * HOUR)

    assert {(query.record, query.reason) for query in emptied} == {("", "")}
    assert [query.record for query in list_queries(store, ROOM)] == [RECORD]


def test_the_database_shows_no_record_reason_or_answer(store: Store) -> None:
    settle(store, finding(reason="SECRETREASON", content="SECRETVALUE"))
    answer_query(store, ROOM, 1, text="SECRETANSWER", by="Ann", now=NOW)
    with store.read() as connection:
        rows = [connection.execute(text(f"SELECT * FROM {name}")).all() for name in ("query", "query_event")]

    assert RECORD not in str(rows)
    assert "SECRET" not in str(rows)
