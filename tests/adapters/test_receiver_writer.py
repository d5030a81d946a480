"""The writer: what comes together is written together, and one that cannot be kept spoils no other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from store_cases import open_store

import receiver.writer
from capstan.store import Arrival, Store
from capstan.store.inbox_tables import INBOX
from receiver.refusals import Refusal
from receiver.writer import Job, Writer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def arrival(name: Any) -> Arrival:
    return Arrival("demo", "redcap", {"record": name})


def keep_all(store: Store, works: list[Arrival | Job]) -> list[object]:
    """Keep all at once; gives what each waiting request got."""

    async def keep() -> list[object]:
        writer = Writer(store)
        try:
            return await asyncio.gather(*map(writer.keep, works), return_exceptions=True)
        finally:
            await writer.close()

    return asyncio.run(keep())


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(INBOX)).scalar_one()


def test_what_comes_together_is_one_transaction(store: Store) -> None:
    commits: list[object] = []
    event.listen(store.engine, "commit", commits.append)
    answers = keep_all(store, [arrival(str(number)) for number in range(50)])

    assert answers == [None] * 50
    assert (count(store), len(commits)) == (50, 1)


def test_one_that_cannot_be_kept_is_alone_with_that(store: Store) -> None:
    answers = keep_all(store, [arrival("1"), arrival({1}), arrival("2")])

    assert [type(answer) for answer in answers] == [type(None), Refusal, type(None)]
    assert count(store) == 2


def test_a_job_that_fails_spoils_no_item(store: Store) -> None:
    def fail(*_: object) -> None:
        raise ValueError("R-7")

    answers = keep_all(store, [arrival("1"), fail, arrival("2")])

    assert [type(answer) for answer in answers] == [type(None), Refusal, type(None)]
    assert "R-7" not in str(answers)
    assert count(store) == 2


def test_a_store_that_is_gone_is_tried_a_few_times_and_said_to_all(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with store.write() as connection:
        connection.execute(text("DROP TABLE inbox_log"))
        connection.execute(text("DROP TABLE inbox"))
    answers = keep_all(store, [arrival(str(number)) for number in range(50)])

    assert {(type(answer), getattr(answer, "status_code", 0)) for answer in answers} == {(Refusal, 503)}
    assert len(caplog.records) == 3


def test_more_than_memory_bears_is_refused_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver.writer, "MOST_WAITING", 2)
    answers = keep_all(store, [arrival(str(number)) for number in range(3)])

    assert [type(answer) for answer in answers] == [type(None), type(None), Refusal]
    assert count(store) == 2
