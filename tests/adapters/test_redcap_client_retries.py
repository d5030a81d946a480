"""Reads are tried again where that can help, writes never, and every pause is the one that was given."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_server import PAGE, TOKEN, Reply, serving

from capstan.errors import OutcomeUnknown, RedcapError, RedcapUnavailable, TokenRefused
from capstan.redcap import Redcap, Throttle, create_project
from capstan.redcap.wire import MAX_BACKOFF_SECONDS

GOOD = Reply("record_id\n1\n")
UNUSABLE = [
    Reply("", 503),
    Reply("", 408),
    Reply(PAGE.format("busy")),
    Reply(""),
    Reply("record_id\n1\n", sent=4),
    Reply(drops=True),
]
ROWS = pd.DataFrame({"record_id": ["1"]}, dtype="str")
NO_TIME = (1.0, 0.05)


def connected(server, *, pauses=None, **options) -> Redcap:
    sleep = (lambda _: None) if pauses is None else pauses.append
    return Redcap(server.url, TOKEN, sleep=sleep, **{"timeout_seconds": (5.0, 5.0), **options})


@pytest.mark.parametrize("reply", UNUSABLE)
def test_a_read_survives_answers_that_are_unusable_for_a_while(reply):
    with serving(reply, reply, reply, GOOD) as server:
        got = connected(server).records()

        assert len(server.forms) == 4
    assert got["record_id"].tolist() == ["1"]


def test_a_read_gives_up_after_its_attempts_with_the_last_error():
    pauses: list[float] = []

    with serving(Reply("", 500), Reply("", 502), GOOD) as server:
        with pytest.raises(RedcapUnavailable, match="502"):
            connected(server, pauses=pauses, attempts=2).records()

        assert len(server.forms) == 2
    assert len(pauses) == 1


def test_pauses_grow_and_are_capped():
    pauses: list[float] = []

    with serving(Reply("", 503)) as server, pytest.raises(RedcapUnavailable):
        connected(server, pauses=pauses, attempts=12).records()

    assert len(pauses) == 11
    assert all(0 <= pause <= min(MAX_BACKOFF_SECONDS, 2.0**i) for i, pause in enumerate(pauses))
    assert len(set(pauses)) == 11
    assert max(pauses) > 1


def test_an_answer_that_is_final_is_not_asked_for_again():
    with serving(Reply('{"error":"You do not have permissions to use the API"}', 403), GOOD) as server:
        with pytest.raises(TokenRefused):
            connected(server).records()

        assert len(server.forms) == 1


@pytest.mark.parametrize("reply", UNUSABLE)
@pytest.mark.parametrize(
    "write",
    [lambda redcap: redcap.import_records(ROWS), lambda redcap: redcap.delete_records(["1"])],
    ids=["import", "delete"],
)
def test_a_write_is_sent_once_and_its_outcome_is_unknown(write, reply):
    with serving(reply, Reply('["1"]')) as server:
        with pytest.raises(OutcomeUnknown, match="read back") as caught:
            write(connected(server))

        assert len(server.forms) == 1
    assert not caught.value.retryable


def test_a_project_is_created_once():
    with serving(Reply("", 503), Reply(TOKEN)) as server:
        with pytest.raises(OutcomeUnknown):
            create_project(server.url, TOKEN * 2, title="Trial")

        assert len(server.forms) == 1


def test_a_write_that_never_reached_a_server_is_merely_unavailable():
    with serving(GOOD) as server:
        redcap = connected(server)

    with pytest.raises(RedcapUnavailable, match="no connection") as caught:
        redcap.import_records(ROWS)

    assert caught.value.retryable


def test_a_read_without_a_server_is_tried_again_and_unavailable():
    pauses: list[float] = []
    with serving(GOOD) as server:
        redcap = connected(server, pauses=pauses)

    with pytest.raises(RedcapUnavailable, match="no connection"):
        redcap.version()

    assert len(pauses) == 3


@pytest.mark.parametrize("reply", [Reply(GOOD.body, hangs=True), Reply("", hangs=True, sent=0)])
def test_an_answer_that_does_not_come_in_time_is_unavailable(reply):
    with serving(reply) as server, pytest.raises(RedcapUnavailable, match="in time"):
        connected(server, timeout_seconds=NO_TIME, attempts=1).records()


def test_a_slow_answer_to_a_write_leaves_its_outcome_unknown():
    with serving(Reply('["1"]', hangs=True)) as server, pytest.raises(OutcomeUnknown, match="in time"):
        connected(server, timeout_seconds=NO_TIME).import_records(ROWS)


def test_an_error_while_rows_stream_is_unavailable():
    body = "record_id,a\n" + "1,x\n" * 200_000

    with serving(Reply(body, sent=300_000)) as server, pytest.raises(RedcapUnavailable):
        connected(server, attempts=1).records()


def test_threads_share_one_connection():
    def answer(form: dict[str, str]) -> Reply:
        return Reply(f"record_id\n{form['records[0]']}\n")

    with serving(by=answer) as server, ThreadPoolExecutor(8) as pool:
        redcap = connected(server)
        frames = list(pool.map(lambda i: redcap.records(records=[str(i)]), range(40)))

    assert [frame.iloc[0, 0] for frame in frames] == [str(i) for i in range(40)]


class Clock:
    """A clock that moves only when somebody sleeps or a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@given(limit=st.integers(1, 6), gaps=st.lists(st.floats(0, 30), max_size=40))
def test_no_window_ever_holds_more_requests_than_the_limit(limit, gaps):
    clock, starts = Clock(), []
    throttle = Throttle(limit, 60.0, clock=clock.read, sleep=clock.sleep)

    for gap in gaps:
        clock.sleep(gap)
        throttle.wait()
        starts.append(clock.now)

    assert all(later - earlier >= 59.999 for earlier, later in zip(starts, starts[limit:], strict=False))
    assert all(earlier <= later for earlier, later in pairwise(starts))


def test_requests_below_the_limit_wait_for_nothing():
    clock = Clock()
    throttle = Throttle(500, clock=clock.read, sleep=clock.sleep)

    for _ in range(500):
        throttle.wait()

    assert clock.now == 1000.0


def test_threads_that_find_the_window_full_book_different_moments():
    pauses: list[float] = []
    throttle = Throttle(2, 60.0, clock=lambda: 0.0, sleep=pauses.append)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: throttle.wait(), range(6)))

    assert sorted(pauses) == [60.0, 60.0, 120.0, 120.0]


def test_each_attempt_of_a_read_waits_for_the_throttle():
    clock = Clock()
    throttle = Throttle(2, 60.0, clock=clock.read, sleep=clock.sleep)

    with serving(Reply("", 503), Reply("", 503), GOOD) as server:
        connected(server, throttle=throttle).records()

    assert clock.now == 1060.0


def test_a_batch_that_fails_says_how_many_rows_were_written_before():
    rows = pd.DataFrame({"record_id": ["1", "2", "3"]}, dtype="str")
    refused = Reply(json.dumps({"error": '"3","age","x","The value is not a valid category for age"'}), 400)

    with serving(Reply('["1"]'), Reply('["2"]'), refused) as server:
        with pytest.raises(RedcapError) as caught:
            connected(server, max_rows=1).import_records(rows)

        assert len(server.forms) == 3
    assert caught.value.__notes__ == ["2 rows had been written by the batches before."]
