"""The outbox against sending first and saving then, under kills and lost answers; and its pace.

    python -m benchmarks.outbox [messages] [seconds]

Both send the same messages to a sandbox that loses, repeats and delays its answers, while a random worker is
killed each second. Sending first and saving then means: post, and write down what was posted; what is not
written down is posted again, at the next start too, until five posts of it were noted.

The pace is taken when the first byte of each message leaves, with a rate of 10 segments a second, by 1 and by
4 worker processes; a second is any second, not one of the clock.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/flows")]

from message_trials import (  # noqa: E402
    CAPS,
    FORK,
    MEMORY,
    ROOM,
    TIMEOUT_SECONDS,
    Job,
    Site,
    Trial,
    Work,
    make_plan,
    run_trial,
    say_begun,
    send_through_outbox,
)
from trial_twilio import SENDER, TrialTwilio, serving_twilio  # noqa: E402

from capstan.delivery import Answer, Channel, Outcome  # noqa: E402
from capstan.messaging import Text  # noqa: E402
from capstan.store import AHEAD, Claimed, Pace, queue_messages  # noqa: E402
from tasks.messages.senders import TextSender  # noqa: E402
from tasks.messages.sending import Line, send_waiting  # noqa: E402

RATE = 10
MOST_POSTS = 5
ARRIVING = "+12065550160"


def send_then_save(job: Job) -> None:
    """Post what is not written down as posted, until everything is, or was posted often."""
    twilio = job.site.twilio.open(timeout_seconds=TIMEOUT_SECONDS)
    log, plan = job.site.folder / "posted", make_plan(job.messages)
    log.touch()
    say_begun(job)
    while True:
        posts = Counter(log.read_text().split())
        left = plan[plan["record"].map(posts) < MOST_POSTS]
        if left.empty:
            return
        for record, address, text in left[["record", "address", "text"]].astype(str).to_numpy():
            url = f"{job.site.twilio.callback_url}?m={record}"
            is_sent = twilio.send(Text(record, address, text, url)).outcome is Outcome.ACCEPTED
            with log.open("a") as file:
                file.write(f"{record}\n" * (MOST_POSTS if is_sent else 1))


@dataclass(frozen=True)
class TimedSender:
    """Sends, and writes down when each message left."""

    sender: TextSender
    log: Path

    def send(self, claimed: Claimed, *, now: datetime) -> Answer:
        """Send it."""
        answer = self.sender.send(claimed, now=now)
        with self.log.open("a") as file:
            file.write(f"{(answer.left_at or now).timestamp()}\n")
        return answer


def pace_worker(job: Job) -> None:
    """One process that sends at the pace until nothing is left."""
    sender = TimedSender(TextSender(job.site.twilio.open()), job.site.folder / f"left-{os.getpid()}")
    with job.site.open_store() as store:
        pace = Pace(f"sms:{SENDER}", job.rate)
        line = Line(store, ROOM, Channel.SMS, pace, CAPS, sender, early=AHEAD)
        send_waiting(line, patience=timedelta(seconds=5))


def measure_pace(workers: int, *, seconds: int, twilio: TrialTwilio) -> tuple[int, float]:
    """The most messages in any second, and the share of the rate that was reached."""
    twilio.begin()
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        site, count = Site(Path(folder), "", twilio), RATE * seconds
        with site.open_store() as store:
            # Faults have waits of their own, which say nothing of the pace.
            plan = make_plan(count).assign(address=ARRIVING)
            queue_messages(store, plan, room=ROOM, run="pace", now=datetime.now(UTC))
        job = Job(site, count, "pace", RATE)
        processes = [FORK.Process(target=pace_worker, args=(job,)) for _ in range(workers)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        logs = [log.read_text().split() for log in site.folder.glob("left-*")]
    times = sorted(float(time) for log in logs for time in log)
    most = max(sum(start <= time < start + 1 for time in times) for start in times)
    return most, (len(times) - 1) / (times[-1] - times[0]) / RATE


def compare(name: str, work: Work, *, workers: int, messages: int, twilio: TrialTwilio) -> None:
    """Run one trial, and print one line."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        known = {"messages": messages, "folder": Path(folder), "workers": workers, "work": work}
        trial: Trial = run_trial(1, twilio=twilio, **known)  # type: ignore[arg-type]
    print(  # noqa: T201
        f"{name:24} {trial.messages} messages, {trial.killed} kills: {trial.twice} sent twice or more often, "
        f"{trial.missing} missing, {trial.in_review} for a person, {trial.seconds:.0f} s",
        flush=True,
    )


def main(messages: int, seconds: int) -> None:
    """Print both comparisons."""
    with serving_twilio() as twilio:
        compare("send, then save", send_then_save, workers=1, messages=messages, twilio=twilio)
        compare("outbox, 4 workers", send_through_outbox, workers=4, messages=messages, twilio=twilio)
        for workers in (1, 4):
            most, share = measure_pace(workers, seconds=seconds, twilio=twilio)
            reached = f"at most {most} in any second of {RATE} allowed, {share:.1%} of the rate reached"
            print(f"pace, {workers} workers: {reached}", flush=True)  # noqa: T201


if __name__ == "__main__":
    asked = [int(argument) for argument in sys.argv[1:]]
    main(*(asked + [200, 20][len(asked) :]))
