"""kill -9 of random workers while they send; counts what was sent twice, and what was never sent.

    python tests/flows/message_trials.py 20 [SEED] [MESSAGES]

Each trial sends one plan, which every worker queues, through four worker processes of which a random one is
killed each second, to a Twilio that loses, repeats and delays its answers. It must end with exactly one
message for each key. Tests run a small trial; this is for many.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

if __name__ in ("__main__", "__mp_main__"):
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT), str(ROOT / "tests/flows")]

import pandas as pd
from faulty_twilio import ACCOUNT, SENDER, TOKEN, FaultyTwilio

from capstan.delivery import Channel
from capstan.message import PLANNED_COLUMNS, MessageState, write_time
from capstan.messaging import Twilio
from capstan.store import (
    Caps,
    Mailroom,
    Pace,
    Patience,
    Store,
    count_messages,
    load_keys,
    queue_messages,
    record_event,
)
from tasks.messages.reconciling import reconcile
from tasks.messages.senders import TextSender
from tasks.messages.sending import Line, send_waiting

ROOM = Mailroom("trial", "redcap.test", 14)
CAPS = Caps(per_run=10**6, per_day=10**6, participant_per_day=99, participant_per_week=99, minutes_between=0)
# A trial cannot wait for minutes: its Twilio answers within a second.
PATIENCE = Patience(settle=timedelta(seconds=2.5), apart=timedelta(seconds=1))
TIMEOUT_SECONDS = 0.3
Job = Callable[[str, str, int, str, float], None]
WAITING = (MessageState.PLANNED, MessageState.CLAIMED, MessageState.UNKNOWN)
# A server that has imported what takes long, from which each worker is forked in no time.
FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["tasks.messages.reconciling", "tasks.messages.senders", "twilio.rest"])


class Trial(NamedTuple):
    """What a trial found."""

    messages: int
    killed: int
    twice: int
    missing: int
    in_review: int
    requests: int
    seconds: float
    fates: Counter[str]

    @property
    def is_right(self) -> bool:
        """Whether each key was sent exactly once."""
        return not (self.twice or self.missing or self.in_review)


def make_plan(count: int) -> pd.DataFrame:
    """One message to each of many participants."""
    now = datetime.now(UTC)
    same = dict.fromkeys(PLANNED_COLUMNS, "")
    times = {"not_before": write_time(now), "not_after": write_time(now + timedelta(days=1))}
    said = {"message": "reminder", "channel": "sms", "occasion": "6 month", "segments": "1"}
    rows = [
        {**same, **times, **said, "record": str(n), "address": f"+1206555{n % 60:04}", "text": f"Visit {n}"}
        for n in range(count)
    ]
    return pd.DataFrame(rows, columns=list(PLANNED_COLUMNS), dtype="str")


def open_store(folder: Path) -> Store:
    """The trial's store."""
    return Store.open(f"sqlite:///{folder / 'store.sqlite'}", load_keys(None, home=folder))


def work(folder: str, url: str, messages: int, run: str, rate: float) -> None:
    """One worker process: queue the plan, as every worker does, send, and settle, until nothing waits."""
    plan = make_plan(messages)
    timeout = (TIMEOUT_SECONDS, TIMEOUT_SECONDS)
    twilio = Twilio(ACCOUNT, TOKEN, sender=SENDER, base_url=url, timeout_seconds=timeout)
    sender = TextSender(twilio, "http://callbacks.test")
    with open_store(Path(folder)) as store:
        (Path(folder) / f"ready-{os.getpid()}").touch()
        line = Line(store, ROOM, Channel.SMS, Pace(f"sms:{SENDER}", rate, share=0.5), CAPS, sender)
        queue_messages(store, plan, room=ROOM, run=run, now=datetime.now(UTC))
        while has_parent() and any(count_messages(store, study=ROOM.study).get(state) for state in WAITING):
            send_waiting(line, patience=timedelta(seconds=1))
            reconcile(
                store,
                ROOM,
                channel=Channel.SMS,
                listing=lambda to, since: twilio.listed(to, since=since),
                now=datetime.now(UTC),
                patience=PATIENCE,
            )
            time.sleep(0.2)


def has_parent() -> bool:
    """Whether the program that started this worker still runs."""
    parent = multiprocessing.parent_process()
    return parent is not None and parent.is_alive()


class Crew:
    """Worker processes; who is killed is replaced, with another send of the same plan."""

    def __init__(self, folder: Path, url: str, *, messages: int, workers: int, rate: float, job: Job) -> None:
        self._known, self._rate, self._job = (str(folder), url, messages), rate, job
        self.runs, self.killed = 0, 0
        self.processes = [self._start() for _ in range(workers)]

    def _start(self) -> multiprocessing.process.BaseProcess:
        self.runs += 1
        known = (*self._known, f"run-{self.runs}", self._rate)
        process = FORK.Process(target=self._job, args=known)
        process.start()
        return process

    def kill_one(self, chance: random.Random) -> None:
        """Kill a random worker that has begun and is still at work, and start another."""
        alive = [number for number, process in enumerate(self.processes) if self._has_begun(process)]
        if not alive:
            return
        number = chance.choice(alive)
        os.kill(self.processes[number].pid or 0, signal.SIGKILL)
        self.processes[number].join()
        self.killed += self.processes[number].exitcode == -signal.SIGKILL
        self.processes[number] = self._start()

    def _has_begun(self, process: multiprocessing.process.BaseProcess) -> bool:
        return process.is_alive() and (Path(self._known[0]) / f"ready-{process.pid}").exists()

    @property
    def is_at_work(self) -> bool:
        """Whether a worker is left."""
        return any(process.is_alive() for process in self.processes)


def run_trial(
    seed: int,
    *,
    messages: int,
    folder: Path,
    workers: int = 4,
    most_kills: int = 10**6,
    rate: float = 500,
    job: Job = work,
) -> Trial:
    """Send one plan under all faults; `job` is what a worker process does."""
    chance = random.Random(seed)
    started = time.monotonic()
    with FaultyTwilio(random.Random(seed)).serving() as twilio, open_store(folder) as store:

        def heard(attempt: str, sid: str, status: str) -> None:
            now = datetime.now(UTC)
            record_event(store, attempt=attempt, sid=sid, status=status, code=0, at=now, now=now)

        crew = Crew(folder, twilio.url, messages=messages, workers=workers, rate=rate, job=job)
        next_kill = time.monotonic() + 1
        while crew.is_at_work:
            twilio.take_calls(heard)
            if time.monotonic() > next_kill and crew.killed < most_kills:
                crew.kill_one(chance)
                next_kill += 1
            time.sleep(0.02)
        counts, states = twilio.counted(), count_messages(store, study=ROOM.study)
    return Trial(
        messages=messages,
        killed=crew.killed,
        twice=sum(times > 1 for times in counts.values()),
        missing=messages - len(counts),
        in_review=states.get(MessageState.REVIEW, 0),
        requests=sum(twilio.fates.values()),
        seconds=time.monotonic() - started,
        fates=twilio.fates,
    )


def main(count: int, first: int, messages: int) -> int:
    """Run trials with as many seeds; returns 1 if one was wrong."""
    wrong = 0
    for seed in range(first, first + count):
        with tempfile.TemporaryDirectory() as folder:
            trial = run_trial(seed, messages=messages, folder=Path(folder))
        wrong += not trial.is_right
        print(  # noqa: T201
            f"seed {seed}: {trial.messages} messages, {trial.requests} requests, {trial.killed} killed, "
            f"{trial.twice} twice, {trial.missing} missing, {trial.in_review} for a person, "
            f"{trial.seconds:.0f} s",
            flush=True,
        )
    print(f"{count} trials, {wrong} wrong")  # noqa: T201
    return int(wrong > 0)


if __name__ == "__main__":
    asked = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(*(asked + [1, 1, 500][len(asked) :])))
