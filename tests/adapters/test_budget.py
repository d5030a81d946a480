"""The budget of requests holds over processes and machines, and does without what cannot count."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.settings import PREFECT_API_URL, temporary_settings

from capstan.errors import Refused
from capstan.redcap.throttle import Throttle
from tasks.budget import Budget
from tasks.budget_blocks import LIFE_SECONDS, Blocks, Rate, rate_for
from tasks.budget_ledger import WINDOW_SECONDS, Ledger


class Clock:
    """A clock that moves only when somebody sleeps or a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Prefect:
    """Stands in for a Prefect server: its limit's slots, which decay on the test's clock."""

    def __init__(self, clock: Clock, *, limit: dict[str, Any] | None = None) -> None:
        self.clock, self.limit = clock, limit
        self.active, self.at = 0.0, clock.now
        self.asked: list[str] = []

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.asked.append(path.rpartition("/")[2])
        if path.endswith("/increment"):
            return self._increment(body["slots"])
        self.limit = body
        return 201, {"id": "4f4e2f9c-8c3b-4f0e-9d5b-0a1b2c3d4e5f"}

    def _increment(self, slots: int) -> tuple[int, Any]:
        if self.limit is None:
            return 200, []
        if self.limit["limit"] < slots:
            return 422, {"detail": "too many"}
        gone = (self.clock.now - self.at) * self.limit["slot_decay_per_second"]
        self.active, self.at = max(0.0, self.active - gone), self.clock.now
        if self.active + slots > self.limit["limit"]:
            return 423, {}
        self.active += slots
        return 200, [{"id": "4f4e2f9c-8c3b-4f0e-9d5b-0a1b2c3d4e5f", "name": "n", "limit": 1}]


@contextmanager
def serving(prefect: Prefect) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(404, {})  # an old server, which wants no token against forged forms

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.reply(*prefect.answer(self.path.rstrip("/"), body))

        def reply(self, status: int, answer: Any) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Retry-After", "1.5")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{server.server_port}/api"}):
                yield
        finally:
            server.shutdown()
            thread.join()


QUICK = Rate(20, 5.0, block=10)


def blocks(clock: Clock, rate: Rate = QUICK) -> Blocks:
    return Blocks("redcap here", rate=rate, clock=clock.read, sleep=clock.sleep)


def wait_for(ledger: Ledger, clock: Clock) -> float:
    while pause := ledger.book():
        clock.sleep(pause)
    return clock.now


@given(limit=st.integers(1, 5), gaps=st.lists(st.floats(0, 30), max_size=20))
def test_no_minute_of_a_ledger_holds_more_requests_than_its_limit(tmp_path_factory, limit, gaps) -> None:
    clock, file = Clock(), tmp_path_factory.mktemp("ledger") / "host"
    starts = []

    for gap in gaps:
        clock.sleep(gap)
        # A new one each time, as another process would have.
        starts.append(wait_for(Ledger(file, limit=limit, clock=clock.read), clock))

    assert all(later - earlier >= 59.999 for earlier, later in zip(starts, starts[limit:], strict=False))
    assert all(earlier <= later for earlier, later in pairwise(starts))


def test_a_clock_that_was_set_back_costs_a_minute_at_most(tmp_path: Path) -> None:
    clock = Clock()
    ledger = Ledger(tmp_path / "host", limit=1, clock=clock.read)
    ledger.book()
    clock.now -= 86_400
    began = clock.now

    assert wait_for(ledger, clock) - began <= WINDOW_SECONDS


def test_a_ledger_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    clock = Clock()
    (tmp_path / "host").write_bytes(array("d", [clock.now - 1]).tobytes() + b"abc")
    ledger = Ledger(tmp_path / "host", limit=2, clock=clock.read)

    assert ledger.book() == 0
    assert ledger.book() > 0


def test_processes_that_share_a_ledger_share_its_limit(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tasks.budget_ledger import Ledger\n"
        "ledger = Ledger(Path(sys.argv[1]), limit=50)\n"
        "print(sum(ledger.book() == 0 for _ in range(40)))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "host")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]

    assert sum(int(one.communicate()[0]) for one in running) == 50


def test_a_block_costs_one_call_and_the_first_makes_the_limit() -> None:
    clock = Clock()
    prefect = Prefect(clock)

    with serving(prefect):
        taker = blocks(clock)
        for _ in range(QUICK.block + 1):
            taker.take()

    assert prefect.asked == ["increment", "concurrency_limits", "increment", "increment"]
    assert prefect.limit == {"name": "redcap here", "limit": 20, "slot_decay_per_second": 5.0}


def test_what_is_left_of_a_block_is_given_up_after_its_life() -> None:
    clock = Clock()
    prefect = Prefect(clock, limit={"limit": 100, "slot_decay_per_second": 5.0})

    with serving(prefect):
        taker = blocks(clock)
        taker.take()
        clock.sleep(LIFE_SECONDS)
        taker.take()

    assert prefect.asked == ["increment"] * 2


def test_machines_together_stay_below_the_budget_in_every_minute() -> None:
    clock, starts = Clock(), []
    rate = rate_for(500)

    with serving(Prefect(clock)):
        machines = [blocks(clock, rate) for _ in range(3)]
        while clock.now < 1_000_070:
            for one in sorted(machines * rate.block, key=id):
                one.take()
                starts.append(clock.now)

    busiest = max(sum(start <= other < start + 60 for other in starts) for start in starts)
    assert 400 < busiest <= 500


@given(per_minute=st.integers(10, 600))
def test_a_rate_and_what_blocks_keep_add_up_to_the_budget(per_minute: int) -> None:
    rate = rate_for(per_minute)

    assert 1 <= rate.block <= rate.slots
    assert rate.per_second > 0
    assert rate.slots + rate.per_second * (60 + LIFE_SECONDS) == pytest.approx(per_minute)


def test_a_limit_without_enough_slots_is_refused_with_what_to_do() -> None:
    clock = Clock()
    prefect = Prefect(clock, limit={"limit": 1, "slot_decay_per_second": 5.0})

    with serving(prefect), pytest.raises(Refused, match="give it 10 slots or more and a slot decay"):
        blocks(clock).take()


class Deaf(Blocks):
    """Blocks of a server that refuses to count, as a plan without limits does."""

    calls = 0

    def take(self) -> None:
        self.calls += 1
        super().take()


def test_a_server_that_does_not_count_is_asked_again_after_a_minute_only(tmp_path: Path) -> None:
    clock = Clock()
    prefect = Prefect(clock)
    prefect.answer = lambda path, body: (403, {})  # type: ignore[method-assign]
    deaf = Deaf("redcap here", rate=QUICK, clock=clock.read, sleep=clock.sleep)
    ledger = Ledger(tmp_path / "host", limit=100, clock=clock.read)
    budget = Budget(ledger, deaf, alone=Throttle(100), clock=clock.read, sleep=clock.sleep)

    with serving(prefect):
        budget.wait()
        budget.wait()
        clock.sleep(61)
        budget.wait()

    assert deaf.calls == 2


def test_a_machine_whose_ledger_cannot_be_used_counts_in_each_process(tmp_path: Path) -> None:
    clock = Clock()
    alone = Throttle(1, clock=clock.read, sleep=clock.sleep)
    budget = Budget(Ledger(tmp_path / "none" / "host", limit=9), None, alone=alone)

    budget.wait()
    budget.wait()

    assert clock.now == 1_000_060


def test_the_ledger_is_its_owners_alone(tmp_path: Path) -> None:
    Ledger(tmp_path / "host", limit=1).book()

    assert os.stat(tmp_path / "host").st_mode & 0o777 == 0o600
