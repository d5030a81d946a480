"""What the tests of the outbox share: a room, plans of messages, and steps of a worker."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
from store_cases import NOW

from capstan.delivery import Answer, Channel, Outcome
from capstan.message import PLANNED_COLUMNS, MessageState, write_time
from capstan.store import (
    Caps,
    Claimed,
    Mailroom,
    Pace,
    Queued,
    Store,
    Wait,
    claim_message,
    queue_messages,
    read_message,
    record_answer,
)

ROOM = Mailroom("demo", "redcap.test", 14)
SENDER = "sms:+12065550199"
FAST = Pace(SENDER, 1000)
FREE = Caps(participant_per_day=99, participant_per_week=99, minutes_between=0)
END = NOW + timedelta(days=3)


def planned(count: int = 1, **changes: str) -> pd.DataFrame:
    """A plan of messages to as many participants, who have a number each."""
    rows = [
        {
            "message": "reminder",
            "record": f"{number:03}",
            "event": "baseline_arm_1",
            "instance": "",
            "occasion": "6 month",
            "channel": "sms",
            "address": f"+1206555{number:04}",
            "language": "en",
            "subject": "",
            "text": f"Dear {number}, please come.",
            "html": "",
            "segments": "1",
            "zones": "America/Los_Angeles",
            "not_before": write_time(NOW),
            "not_after": write_time(END),
            "rule": "",
            **changes,
        }
        for number in range(count)
    ]
    return pd.DataFrame(rows, columns=list(PLANNED_COLUMNS), dtype="str")


def queue(store: Store, plan: pd.DataFrame, run: str = "run-1", **changes: object) -> Queued:
    return queue_messages(store, plan, **{"room": ROOM, "run": run, "now": NOW, **changes})


def claim(store: Store, now: datetime = NOW, **changes: object) -> Claimed | Wait | None:
    known = {"room": ROOM, "channel": Channel.SMS, "pace": FAST, "caps": FREE}
    return claim_message(store, **{**known, **changes}, now=now)


def answer(
    store: Store, claimed: object, outcome: Outcome, now: datetime = NOW, **told: object
) -> MessageState:
    assert isinstance(claimed, Claimed)
    return record_answer(store, claimed, Answer(outcome, **told), now=now)


def accept(store: Store, sid: str = "SM1", now: datetime = NOW, **changes: object) -> Claimed:
    """Claim a message, which the provider takes under a name."""
    claimed = claim(store, now, **changes)
    answer(store, claimed, Outcome.ACCEPTED, now, sid=sid, status="queued")
    return claimed


def state_of(store: Store, number: int = 1) -> str:
    return str(read_message(store, number)[0].state)
