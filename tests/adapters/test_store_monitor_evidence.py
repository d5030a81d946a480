"""What monitors ask of the outbox and the journal: which message was answered, which flow ran."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from outbox_cases import ROOM, accept, planned, queue
from store_cases import NOW, begin, open_store

from capstan.store import RunState, Store, end_run, keep_incoming
from capstan.store.monitor_messages import last_good_run, sent_messages

SENT, LATER = NOW + timedelta(hours=1), NOW + timedelta(hours=2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


def answer(store: Store, at: datetime, *, sender: str = "+12065550000", sid: str = "SM9") -> None:
    keep_incoming(store, {"MessageSid": sid, "From": sender, "To": "+1", "Body": "Yes"}, now=at)


def answered(store: Store, name: str = "reminder") -> list[tuple[str, bool]]:
    return [(sent.record, sent.is_answered) for sent in sent_messages(store, ROOM, names=[name])]


def test_a_message_counts_once_it_went_out(store: Store) -> None:
    queue(store, planned(2))
    before = answered(store)
    accept(store, now=SENT)

    (sent,) = sent_messages(store, ROOM, names=["reminder"])

    assert before == []
    assert (sent.record, sent.event, sent.at, sent.is_answered) == ("000", "baseline_arm_1", SENT, False)
    assert "000" not in repr(sent)


def test_a_text_from_its_address_afterwards_is_its_answer_and_no_other_is(store: Store) -> None:
    queue(store, planned(2))
    accept(store, "SM1", now=SENT)
    accept(store, "SM2", now=SENT)
    answer(store, NOW, sid="SM7")
    answer(store, LATER, sender="+12065559999", sid="SM8")
    before = answered(store)

    answer(store, LATER, sender="+12065550001")

    assert before == [("000", False), ("001", False)]
    assert answered(store) == [("000", False), ("001", True)]


def test_only_messages_of_the_names_and_the_project_come(store: Store) -> None:
    queue(store, planned(1))
    accept(store, now=SENT)

    assert answered(store, "letter") == []
    assert sent_messages(store, ROOM._replace(project_id=15), names=["reminder"]) == ()


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.REFUSED])
def test_a_run_that_went_wrong_does_not_count_as_one(store: Store, state: RunState) -> None:
    good = begin(store, flow="compute_visit_dates")
    end_run(store, good, state=RunState.IDLE, now=SENT)
    bad = begin(store, flow="compute_visit_dates", now=LATER)
    end_run(store, bad, state=state, now=LATER)

    assert last_good_run(store, ROOM, flow="compute_visit_dates") == (good.id, SENT)


def test_neither_a_dry_run_nor_an_open_one_nor_another_flow_counts(store: Store) -> None:
    dry = begin(store, flow="compute_visit_dates", dry_run=True)
    end_run(store, dry, state=RunState.IDLE, now=SENT)
    other = begin(store, flow="send_messages")
    end_run(store, other, state=RunState.IDLE, now=SENT)
    begin(store, flow="compute_visit_dates")

    assert last_good_run(store, ROOM, flow="compute_visit_dates") is None
