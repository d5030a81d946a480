"""kill -9 of random workers while they send; counts what was sent twice, and what was never sent.

    python tests/flows/message_trials.py 20 [SEED] [MESSAGES] [STORE]

Each trial sends one plan, which every worker queues, through four worker processes of which a random one is
killed each second, to the sandbox's Twilio, which loses, repeats and delays its answers. It must end with
exactly one message for each key; the sandbox has counted. STORE is the URL of an empty database, for one
trial; without it each has an SQLite file. Tests run a small trial; this is for many.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

if __name__ in ("__main__", "__mp_main__"):
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT), str(ROOT / "tests/flows")]

import pandas as pd
from trial_twilio import PHONES, SENDER, TrialTwilio, hearing, serving_twilio

from capstan.delivery import Channel
from capstan.message import PLANNED_COLUMNS, MessageState, write_time
from capstan.store import (
    AHEAD,
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
# A trial cannot wait for minutes: its Twilio makes within a second what it makes at all.
PATIENCE = Patience(settle=timedelta(seconds=4), apart=timedelta(seconds=1))
TIMEOUT_SECONDS = (1.0, 0.5)
WAITING = (MessageState.PLANNED, MessageState.CLAIMED, MessageState.UNKNOWN)
# A server that has imported what takes long, from which each worker is forked in no time.
FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(
    ["tasks.messages.reconciling", "tasks.messages.senders", "trial_twilio", "twilio.rest.api"]
)
# What is killed loses nothing that the system has in memory, and a disk may be slow.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Site(NamedTuple):
    """Where a trial takes place: its folder, its store (blank: a file there), and Twilio."""

    folder: Path
    store_url: str
    twilio: TrialTwilio

    def open_store(self) -> Store:
        """The trial's store."""
        return open_store(self.folder, self.store_url)


class Job(NamedTuple):
    """What one worker process is to do: send this many messages as this run at this rate."""

    site: Site
    messages: int
    run: str
    rate: float


class Trial(NamedTuple):
    """What a trial found."""

    messages: int
    killed: int
    twice: int
    missing: int
    in_review: int
    requests: int
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether each key was sent exactly once."""
        return not (self.twice or self.missing or self.in_review)


def make_plan(count: int) -> pd.DataFrame:
    """One message to each of many participants, of whom some share a phone."""
    now = datetime.now(UTC)
    same = dict.fromkeys(PLANNED_COLUMNS, "")
    times = {"not_before": write_time(now), "not_after": write_time(now + timedelta(days=1))}
    said = {"message": "reminder", "channel": "sms", "occasion": "6 month", "segments": "1"}
    rows = [
        {**same, **times, **said, "record": str(n), "address": PHONES[n % len(PHONES)], "text": f"Visit {n}"}
        for n in range(count)
    ]
    return pd.DataFrame(rows, columns=list(PLANNED_COLUMNS), dtype="str")


def open_store(folder: Path, url: str = "") -> Store:
    """A store, in a file of the folder unless it has a URL."""
    return Store.open(url or f"sqlite:///{folder / 'store.sqlite'}", load_keys(None, home=folder))


def send_through_outbox(job: Job) -> None:
    """One worker process: queue the plan, as every worker does, send, and settle, until nothing waits."""
    twilio = job.site.twilio.open(timeout_seconds=TIMEOUT_SECONDS)
    sender = TextSender(twilio, job.site.twilio.callback_url)
    with job.site.open_store() as store:
        line = Line(
            store, ROOM, Channel.SMS, Pace(f"sms:{SENDER}", job.rate, share=0.5), CAPS, sender, early=AHEAD
        )
        queue_messages(store, make_plan(job.messages), room=ROOM, run=job.run, now=datetime.now(UTC))
        say_begun(job)
        while has_parent() and count_waiting(store):
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


def count_waiting(store: Store) -> int:
    """How many messages are not through."""
    counts = count_messages(store, study=ROOM.study)
    return sum(counts.get(state, 0) for state in WAITING)


def say_begun(job: Job) -> None:
    """Say that this process has begun to send, and may be killed."""
    (job.site.folder / f"begun-{os.getpid()}").touch()


def has_parent() -> bool:
    """Whether the program that started this worker still runs."""
    parent = multiprocessing.parent_process()
    return parent is not None and parent.is_alive()


Work = Callable[[Job], None]


class Crew:
    """Worker processes; who is killed is replaced, with another send of the same plan."""

    def __init__(self, site: Site, *, messages: int, workers: int, rate: float, work: Work) -> None:
        self._site, self._messages, self._rate, self._work = site, messages, rate, work
        self.runs, self.killed = 0, 0
        self.processes = [self._start() for _ in range(workers)]

    def _start(self) -> multiprocessing.process.BaseProcess:
        self.runs += 1
        job = Job(self._site, self._messages, f"run-{self.runs}", self._rate)
        process = FORK.Process(target=self._work, args=(job,))
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
        return process.is_alive() and (self._site.folder / f"begun-{process.pid}").exists()

    @property
    def is_at_work(self) -> bool:
        """Whether a worker is left."""
        return any(process.is_alive() for process in self.processes)


def run_trial(
    seed: int,
    *,
    twilio: TrialTwilio,
    messages: int,
    folder: Path,
    store_url: str = "",
    workers: int = 4,
    most_kills: int = 10**6,
    rate: float = 500,
    work: Work = send_through_outbox,
) -> Trial:
    """Send one plan under all faults; `work` is what a worker process does."""
    chance, started = random.Random(seed), time.monotonic()
    twilio.begin()
    twilio.spoil(seed)
    before = twilio.requests()
    made: set[str] = set()
    with open_store(folder, store_url) as store:

        def heard(attempt: str, sid: str, status: str) -> None:
            made.add(sid)
            now = datetime.now(UTC)
            record_event(store, attempt=attempt, sid=sid, status=status, code=0, at=now, now=now)

        with hearing(twilio, heard, chance=random.Random(seed)) as spoilt:
            site = Site(folder, store_url, spoilt)
            crew = Crew(site, messages=messages, workers=workers, rate=rate, work=work)
            _kill_each_second(crew, made, chance=chance, most=most_kills)
        counts = twilio.counted()
        in_review = count_messages(store, study=ROOM.study).get(MessageState.REVIEW, 0)
    return Trial(
        messages=messages,
        killed=crew.killed,
        twice=sum(times > 1 for times in counts.values()),
        missing=messages - len(counts),
        in_review=in_review,
        requests=twilio.requests() - before,
        seconds=time.monotonic() - started,
    )


def _kill_each_second(crew: Crew, made: Collection[str], *, chance: random.Random, most: int) -> None:
    """Kill a worker each second until all is done; where nothing was made in a second, a bit later.

    Otherwise workers on a slow machine, killed before they send, would never come to an end.
    """
    next_kill, before = time.monotonic() + 1, 0
    while crew.is_at_work:
        if time.monotonic() > next_kill and len(made) > before and crew.killed < most:
            crew.kill_one(chance)
            next_kill, before = time.monotonic() + 1, len(made)
        time.sleep(0.02)


def main(count: int, first: int, messages: int, store_url: str = "") -> int:
    """Run trials with as many seeds; returns 1 if one was wrong."""
    wrong = 0
    with serving_twilio() as twilio:
        for seed in range(first, first + count):
            with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
                known = {"messages": messages, "folder": Path(folder), "store_url": store_url}
                trial = run_trial(seed, twilio=twilio, **known)
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
    numbers = [int(argument) for argument in sys.argv[1:4]]
    sys.exit(main(*numbers, *[1, 1, 500][len(numbers) :], *sys.argv[4:5]))
