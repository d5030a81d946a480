"""What a study's data rest on holds on PostgreSQL as it does on SQLite: journal, outbox, replies."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from outbox_cases import ROOM, accept, claim, planned, queue, state_of
from sqlalchemy import Connection, select, text, update
from store_cases import NASTY, NOW, begin, make_cells, make_outcomes

from capstan.errors import Refused, StoreError
from capstan.message import MessageState
from capstan.store import (
    Claimed,
    RunState,
    Store,
    end_run,
    finish_batch,
    give_back,
    journal,
    keep_incoming,
    list_runs,
    load_keys,
    new_incoming,
    purge,
    read_images,
    record_event,
)
from capstan.store.outbox_tables import ANNOUNCEMENT, SENDER
from capstan.store.tables import METADATA


@pytest.fixture
def store(postgres_url: str, tmp_path: Path) -> Iterator[Store]:
    with Store.open(postgres_url, load_keys(None, home=tmp_path)) as opened:
        yield opened


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(store: Store) -> None:
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_several_processes_open_a_new_store_at_once(postgres_url: str, tmp_path: Path) -> None:
    keys = load_keys(None, home=tmp_path)
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: Store.open(postgres_url, keys), range(4)))
    marks = {store.keys.fingerprint("x") for store in stores}
    for store in stores:
        store.close()

    assert len(marks) == 1


def test_before_images_come_back_as_they_were_until_they_are_purged(store: Store) -> None:
    cells = make_cells(*(text.replace("\x00", "") for text in NASTY))
    run = begin(store)
    number = journal(store, run, cells=cells, overwrite=False, now=NOW)
    outcomes = make_outcomes(cells, *["written"] * len(cells))
    finish_batch(store, run, batch=number, outcomes=outcomes, now=NOW)
    end_run(store, run, state=RunState.DONE, now=NOW)
    before = read_images(store, list_runs(store)[0])["before"].tolist()
    purged = purge(store, before=NOW + timedelta(days=1), now=NOW)

    assert before == cells["before"].tolist()
    assert purged == 1


def test_a_study_has_one_open_run(store: Store) -> None:
    begin(store)

    with pytest.raises((Refused, StoreError)):
        begin(store)


def somebody_waits(connection: Connection) -> bool:
    """Look until another connection waits for a lock, for ten seconds."""
    here = "datname = current_database() AND wait_event_type = 'Lock'"
    waiting, until = text(f"SELECT count(*) FROM pg_stat_activity WHERE {here}"), monotonic() + 10
    while not (found := connection.execute(waiting).scalar()) and monotonic() < until:
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
    return bool(found)


def test_a_claim_that_is_given_back_and_one_that_is_made_never_wait_for_each_other(store: Store) -> None:
    queue(store, planned(2))
    given = claim(store)
    assert isinstance(given, Claimed)

    with ThreadPoolExecutor(1) as pool:
        with store.write() as claiming:
            # A claim holds the sender, and then wants the count of its run.
            claiming.execute(select(SENDER.c.name).with_for_update())
            waiting = pool.submit(give_back, store, given, now=NOW)
            assert somebody_waits(claiming)
            claiming.execute(text("SET LOCAL lock_timeout = '5s'"))
            claiming.execute(update(ANNOUNCEMENT).values(sent=ANNOUNCEMENT.c.sent + 1))
        waiting.result(10)

    assert state_of(store, given.message.id) == MessageState.PLANNED


def test_each_message_is_claimed_by_one_of_several_workers(store: Store) -> None:
    queue(store, planned(30))
    with ThreadPoolExecutor(6) as pool:
        claims = [one for one in pool.map(lambda _: claim(store), range(60)) if isinstance(one, Claimed)]

    assert len({one.message.id for one in claims}) == len(claims) > 0


def test_a_status_comes_before_its_message_is_known_and_never_moves_it_backwards(store: Store) -> None:
    queue(store, planned())
    for status in ("delivered", "sent", "delivered"):
        record_event(store, attempt="", sid="SM1", status=status, code=0, at=NOW, now=NOW)
    accept(store, "SM1")

    assert state_of(store) == MessageState.DELIVERED


def test_a_text_that_comes_again_is_kept_once(store: Store) -> None:
    form = {"MessageSid": "SM1", "From": "+12065550000", "To": "+12065550100", "Body": "Zoë 👍"}
    kept = [keep_incoming(store, form, now=NOW) for _ in range(2)]

    assert kept == [True, False]
    assert [one.form for one in new_incoming(store, ROOM, service="", number="+12065550100")] == [form]


def test_a_store_whose_server_was_started_again_goes_on(store: Store, postgres_url: str) -> None:
    begin(store, "first")
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    with Store.open(postgres_url, store.keys) as server, server.write() as connection:
        ended = connection.execute(
            text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        )
        assert ended.scalars().all()
    begin(store, "second")

    assert {run.study for run in list_runs(store)} == {"first", "second"}
