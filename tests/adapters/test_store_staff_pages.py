"""References to forms and one-time links, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from store_cases import NOW

from capstan.events import Event, EventGrid
from capstan.form_links import FormLinks
from capstan.store import (
    Referred,
    Store,
    ask_for_link,
    form_address,
    keep_form_links,
    purge,
    read_reference,
    refer_to,
    use_link,
)
from capstan.triggers import Place

PROJECT, LINK = ("redcap.example.org", 14), "k" * 43
PLACE = Place("R-7", "base_arm_1", "exam", "2")


def links(version: str) -> FormLinks:
    grid = EventGrid((Event("base_arm_1", "Base", "1", "0", "40"),), {"1": "One"}, frozenset(), frozenset())
    return FormLinks.of("https://redcap.example.org/", version=version, project_id=14, grid=grid)


def test_a_reference_keeps_its_place_and_follows_the_server_s_version(store: Store) -> None:
    reference = refer_to(store, "demo", project=PROJECT, place=PLACE, now=NOW)
    referred = Referred("demo", PROJECT, PLACE)

    addresses = [form_address(store, referred)]
    for version in ("14.0.1", "15.2.1"):
        keep_form_links(store, "demo", project=PROJECT, links=links(version), now=NOW)
        addresses.append(form_address(store, referred))

    assert read_reference(store, reference) == referred
    query = "DataEntry/index.php?pid=14&id=R-7&event_id=40&instance=2&page=exam"
    root = "https://redcap.example.org/redcap_v"
    assert addresses == ["", f"{root}14.0.1/{query}", f"{root}15.2.1/{query}"]


def test_what_no_reference_looks_like_names_nothing(store: Store) -> None:
    odd = ["\x00", "", "R-7", "0" * 31, "Z" * 32, "0" * 32 + "\n"]

    found = [read_reference(store, each) for each in odd]

    assert found == [None] * len(odd)


def test_a_reference_goes_with_the_data_unless_it_was_made_again(store: Store) -> None:
    kept = Place("R-8", "", "", "")
    old = refer_to(store, "demo", project=PROJECT, place=PLACE, now=NOW)
    other = refer_to(store, "other", project=PROJECT, place=PLACE, now=NOW)
    for day in (0, 50):
        again = refer_to(store, "demo", project=PROJECT, place=kept, now=NOW + timedelta(days=day))

    later = NOW + timedelta(days=91)
    purge(store, before=later - timedelta(days=90), now=later, study="demo")

    found = [read_reference(store, reference) is not None for reference in (old, other, again)]
    assert found == [False, True, True]


def test_of_many_who_use_one_link_at_once_only_one_is_signed_in(store: Store) -> None:
    ask_for_link(store, person="ann@example.org", client="192.0.2.1", link=LINK, now=NOW)

    with ThreadPoolExecutor(8) as pool:
        people = list(pool.map(lambda _: use_link(store, LINK, now=NOW), range(16)))

    assert sorted(people) == [""] * 15 + ["ann@example.org"]


def test_neither_link_nor_person_can_be_read_in_the_database(store: Store) -> None:
    ask_for_link(store, person="ann@example.org", client="192.0.2.1", link=LINK, now=NOW)

    with store.read() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM sign_in").all())

    assert not [word for word in (LINK, "ann", "192.0.2.1") if word in kept]


def test_who_asked_is_forgotten_after_a_day(store: Store) -> None:
    for hours in (0, 25):
        now = NOW + timedelta(hours=hours)
        ask_for_link(store, person="ann@example.org", client="192.0.2.1", link=None, now=now)

    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sign_in").scalar() == 1
