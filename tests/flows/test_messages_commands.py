"""`capstan messages`: what a person sees of the outbox, and the switch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import CommandLine, Desk
from message_trials import CAPS, make_plan

from capstan.delivery import Answer, Channel, Outcome
from capstan.settings import load_settings
from capstan.store import (
    Claimed,
    Mailroom,
    Pace,
    Store,
    claim_message,
    load_keys,
    queue_messages,
    record_answer,
)

ROOM = Mailroom("trial", "redcap.test", 14)
STUDY = """
study: trial
title: Trial
redcap:
  url: https://redcap.test/api/
  token: {env: TOKEN}
  project: {id: 14, title: Trial, status: development}
"""
BY = ("--study", "trial", "--by", "Ann Lee")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of a desk with one study, where three messages wait."""
    Desk(tmp_path, monkeypatch).write_study(STUDY, name="trial")
    settings = load_settings()
    with Store.open(settings.store_url, load_keys(settings.key, home=settings.home)) as opened:
        queue_messages(opened, make_plan(3), room=ROOM, run="run-1", now=datetime.now(UTC))
        yield opened


def claim(store: Store) -> object:
    pace = Pace("sms:+15005550006", 100)
    return claim_message(store, room=ROOM, channel=Channel.SMS, now=datetime.now(UTC), pace=pace, caps=CAPS)


def test_the_list_shows_no_number_and_no_text(store: Store, capstan: CommandLine) -> None:
    told = [capstan("messages", "list").all, capstan("messages", "show", "1").all]
    whole = capstan("messages", "show", "1", "--values").out

    assert not [word for word in ("206555", "Visit") if word in "".join(told)]
    assert "+12065550160" in whole
    assert "Visit 0" in whole


def test_the_list_says_where_each_message_stands(store: Store, capstan: CommandLine) -> None:
    capstan("messages", "cancel", "2")
    listed = json.loads(capstan("messages", "list", "--study", "trial", "--json").out)["messages"]

    assert [(one["id"], one["state"]) for one in listed] == [(3, "planned"), (2, "cancelled"), (1, "planned")]


def test_the_switch_stops_what_is_sent_elsewhere_and_lets_it_go_on(
    store: Store, capstan: CommandLine
) -> None:
    stopped = capstan("messages", "stop", *BY, "--reason", "A wrong text")
    while_stopped = claim(store)
    resumed = capstan("messages", "resume", *BY)

    assert (stopped.code, while_stopped, resumed.code) == (0, None, 0)
    assert isinstance(claim(store), Claimed)


def test_only_a_message_that_waits_for_a_person_is_settled_by_one(store: Store, capstan: CommandLine) -> None:
    claimed = claim(store)
    assert isinstance(claimed, Claimed)
    record_answer(store, claimed, Answer(Outcome.REJECTED, code=21408), now=datetime.now(UTC))
    settled = capstan("messages", "settle", "1", "--as", "failed")
    again = capstan("messages", "settle", "1", "--as", "accepted")

    assert (settled.code, again.code) == (0, 3)


def test_mistakes_are_told_in_one_sentence(store: Store, capstan: CommandLine) -> None:
    wrong = [
        capstan("messages", "show", "99"),
        capstan("messages", "settle", "1", "--as", "delivered"),
        capstan("messages", "stop", *BY, "--reason", "x", "--message", "reminder"),
    ]

    assert [one.code for one in wrong] == [2, 2, 2]
    assert all(one.sentence for one in wrong)
