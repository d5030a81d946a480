"""The outbox against sending first and saving then, under kills and lost answers; and its pace.

    python benchmarks/outbox.py [messages] [seconds]

Both send the same messages to a server that loses, repeats and delays its answers, while a random worker is
killed each second. Sending first and saving then means: post, and write down what was posted; what is not
written down is posted again at the next start. The pace is measured where messages are posted, with a rate
of 10 segments a second, by 1 and by 4 worker processes; a second is any second, not one of the clock.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/flows")]

from faulty_twilio import ACCOUNT, SENDER, TOKEN, FaultyTwilio  # noqa: E402
from message_trials import CAPS, FORK, ROOM, Trial, make_plan, open_store, run_trial  # noqa: E402

from capstan.delivery import Channel, Outcome  # noqa: E402
from capstan.messaging import Text, Twilio  # noqa: E402
from capstan.store import Pace, queue_messages  # noqa: E402
from tasks.messages.senders import TextSender  # noqa: E402
from tasks.messages.sending import Line, send_waiting  # noqa: E402

RATE = 10


def send_then_save(folder: str, url: str, messages: int, run: str, rate: float) -> None:  # noqa: ARG001
    """Post what is not written down as posted, until everything is."""
    twilio = Twilio(ACCOUNT, TOKEN, sender=SENDER, base_url=url, timeout_seconds=(0.3, 0.3))
    log, plan = Path(folder) / "sent.jsonl", make_plan(messages)
    (Path(folder) / f"ready-{os.getpid()}").touch()
    while True:
        done = {json.loads(line) for line in log.read_text().splitlines()} if log.exists() else set()
        left = plan[~plan["record"].isin(done)]
        if left.empty:
            return
        for row in left.itertuples(index=False):
            if (
                twilio.send(Text(str(row.record), str(row.address), str(row.text))).outcome
                is Outcome.ACCEPTED
            ):
                with log.open("a") as file:
                    file.write(json.dumps(row.record) + "\n")


def pace_worker(folder: str, url: str) -> None:
    """One process that sends at the pace until nothing is left."""
    twilio = Twilio(ACCOUNT, TOKEN, sender=SENDER, base_url=url)
    with open_store(Path(folder)) as store:
        line = Line(store, ROOM, Channel.SMS, Pace(f"sms:{SENDER}", RATE), CAPS, TextSender(twilio))
        send_waiting(line, patience=timedelta(seconds=5))


def measure_pace(workers: int, *, seconds: int) -> tuple[int, float]:
    """The most messages in any second, and the share of the rate that was reached."""
    count = RATE * seconds
    clean = FaultyTwilio(random.Random(0), fates={"answered": 1}, latency_seconds=0)
    with tempfile.TemporaryDirectory() as folder, clean.serving() as twilio:
        with open_store(Path(folder)) as store:
            queue_messages(store, make_plan(count), room=ROOM, run="pace", now=datetime.now(UTC))
        processes = [FORK.Process(target=pace_worker, args=(folder, twilio.url)) for _ in range(workers)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    times = sorted(one.at for one in twilio.sent)
    most = max(sum(start <= time < start + 1 for time in times) for start in times)
    return most, (len(times) - 1) / (times[-1] - times[0]) / RATE


def told(name: str, trial: Trial) -> None:
    """Print one line."""
    print(  # noqa: T201
        f"{name:24} {trial.messages} messages, {trial.killed} kills: {trial.twice} sent twice or more often, "
        f"{trial.missing} missing, {trial.in_review} for a person, {trial.seconds:.0f} s",
        flush=True,
    )


def main(messages: int, seconds: int) -> None:
    """Print both comparisons."""
    with tempfile.TemporaryDirectory() as folder:
        told(
            "send, then save",
            run_trial(1, messages=messages, folder=Path(folder), job=send_then_save, workers=1),
        )
    with tempfile.TemporaryDirectory() as folder:
        told("outbox, 4 workers", run_trial(1, messages=messages, folder=Path(folder)))
    for workers in (1, 4):
        most, share = measure_pace(workers, seconds=seconds)
        reached = f"at most {most} in any second of {RATE} allowed, {share:.1%} of the rate reached"
        print(f"pace, {workers} workers: {reached}", flush=True)  # noqa: T201


if __name__ == "__main__":
    asked = [int(argument) for argument in sys.argv[1:]]
    main(*(asked + [200, 20][len(asked) :]))
