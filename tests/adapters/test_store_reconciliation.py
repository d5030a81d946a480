"""What the store keeps of reconciliation: worked forms, intervals, and whether triggers stay away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from capstan.notice import Cause, Happening
from capstan.store import Mailroom, Store, claim_items, keep_item, load_keys, purge, read_watermark
from capstan.store.coverage import (
    Interval,
    change_silence,
    keep_interval,
    last_arrival,
    list_intervals,
    read_arrivals,
)
from capstan.store.reply_tables import NOTICE
from capstan.store.seen_places import (
    Project,
    forget_places,
    place_mark,
    remember_places,
    seen_places,
    seen_records,
    waiting_places,
)
from capstan.triggers import Place

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
PROJECT = Project("trial", "redcap.test/14")
ROOM = Mailroom("trial", "redcap.test", 14)
SCAN = Place("xrecordx", "month_6_arm_1", "scan", "2")


def trigger(place: Place) -> dict[str, str]:
    return {
        "record": place.record,
        "redcap_event_name": place.event,
        "instrument": place.instrument,
        "redcap_repeat_instance": place.instance,
    }


def keep(store: Store, place: Place, *, now: datetime = NOW, made_by: str = "") -> None:
    keep_item(store, study="trial", source="redcap", form=trigger(place), now=now, made_by=made_by)


def test_a_form_is_remembered_by_what_was_worked_last(store: Store) -> None:
    remember_places(store, PROJECT, places=[(SCAN, "a")], now=NOW)
    remember_places(store, PROJECT, places=[(SCAN, "b")], now=NOW + timedelta(hours=1))

    (seen,) = seen_places(store, PROJECT, record_marks=seen_records(store, PROJECT))
    assert (seen.content_mark, seen.record, seen.seen_at) == ("b", "xrecordx", NOW + timedelta(hours=1))
    assert seen.at("7") == Place("7", "month_6_arm_1", "scan", "2")


def test_another_project_of_the_study_has_seen_nothing(store: Store) -> None:
    remember_places(store, PROJECT, places=[(SCAN, "a")], now=NOW)

    assert seen_records(store, Project("trial", "redcap.test/15")) == frozenset()


def test_forms_of_many_records_are_found_and_forgotten(store: Store) -> None:
    places = [(Place(str(number), "", "scan", ""), "a") for number in range(1203)]
    remember_places(store, PROJECT, places=places, now=NOW)
    seen = seen_places(store, PROJECT, record_marks=seen_records(store, PROJECT))

    forget_places(store, PROJECT, marks=[each.place_mark for each in seen[3:]])

    assert len(seen) == 1203
    assert len(seen_records(store, PROJECT)) == 3


def test_retention_deletes_the_names_of_records_and_keeps_what_was_worked(store: Store) -> None:
    remember_places(store, PROJECT, places=[(SCAN, "a")], now=NOW)

    purge(store, before=NOW + timedelta(days=1), now=NOW, study="trial")

    (seen,) = seen_places(store, PROJECT, record_marks=seen_records(store, PROJECT))
    assert (seen.record, seen.content_mark) == ("", "a")


def test_a_item_that_nobody_works_yet_waits_for_its_form(store: Store) -> None:
    keep(store, SCAN)
    before = waiting_places(store, "trial")

    claim_items(store, "trial", limit=9, now=NOW)

    assert before == {place_mark(store, PROJECT, place=SCAN)}
    assert waiting_places(store, "trial") == frozenset()


def test_triggers_are_counted_as_often_as_they_came(store: Store) -> None:
    keep(store, SCAN)
    keep(store, SCAN, now=NOW + timedelta(minutes=1))
    keep(store, SCAN, now=NOW, made_by="reconcile")
    keep(store, SCAN, now=NOW, made_by="replay")
    keep_item(store, study="trial", source="partner/scanner", form={"record": "5"}, now=NOW)

    arrivals = read_arrivals(store, "trial", since=NOW)
    assert sorted((one.at, one.is_made) for one in arrivals) == [
        (NOW, False),
        (NOW, True),
        (NOW + timedelta(minutes=1), False),
    ]
    assert read_arrivals(store, "trial", since=NOW + timedelta(hours=1)) == []
    assert last_arrival(store, "trial") == NOW + timedelta(minutes=1)


def test_a_study_to_which_no_trigger_came_has_no_last_one(store: Store) -> None:
    keep(store, SCAN, made_by="reconcile")

    assert last_arrival(store, "trial") is None


def keep_counted(store: Store, interval: Interval, *, late_before: int = 0) -> None:
    keep_interval(
        store, PROJECT, interval=interval, late_before=late_before, name="reconcile", horizon="here"
    )


def test_intervals_are_listed_newest_first_with_from_where_the_next_one_counts(store: Store) -> None:
    first = Interval(NOW, NOW + timedelta(hours=1), "log", 3, 1, 0, 2, 0, made=2)
    second = Interval(first.ended_at, NOW + timedelta(hours=2), "date range")
    for interval in (first, second):
        keep_counted(store, interval)

    assert list_intervals(store, "trial") == (second, first)
    assert list_intervals(store, "trial", limit=1) == (second,)
    assert read_watermark(store, "trial", name="reconcile") == "here"


def test_a_trigger_that_came_late_is_late_in_the_interval_of_its_save(store: Store) -> None:
    times = [NOW + timedelta(hours=number) for number in range(4)]
    for begin, end, late in zip(times, times[1:], (0, 0, 2), strict=False):
        keep_counted(store, Interval(begin, end, "log", 5, 2, 0, 3, 0), late_before=late)

    found = [(each.late, each.missed) for each in list_intervals(store, "trial")]
    assert found == [(0, 3), (2, 1), (0, 3)]


def test_silence_is_told_when_it_begins_and_when_it_ends(store: Store) -> None:
    news = [Happening(Cause.FAILURE, "No trigger comes.", NOW)]

    changes = [
        change_silence(store, ROOM, name="triggers", is_silent=silent, happenings=news, now=NOW)
        for silent in (False, True, True, False, False, True)
    ]

    assert changes == [False, True, False, True, False, True]
    with store.read() as connection:
        assert len(connection.execute(NOTICE.select()).all()) == 3


def test_no_name_of_a_record_is_on_disk_in_the_clear(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}", load_keys(None, home=tmp_path)) as opened:
        remember_places(opened, PROJECT, places=[(SCAN, "a")], now=NOW)

    assert all(b"xrecordx" not in file.read_bytes() for file in tmp_path.iterdir())
