"""`capstan triggers`: what came in, what became of it, and how it is worked on once more."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import CommandLine

from capstan.store import Asking, Result, Store, Worked, claim_items, keep_item, load_keys, log_items, purge

RECORD = "Ann-Lee-7"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with three items: loaded, skipped, and one that failed and is tried again."""
    monkeypatch.setenv("CAPSTAN_HOME", str(tmp_path))
    outcomes = [(Worked.LOADED, ""), (Worked.SKIPPED, "not completed"), (Worked.FAILED, "StoreError: busy.")]
    with store_in(tmp_path) as store:
        for number, (outcome, reason) in enumerate(outcomes):
            form = {"record": RECORD if number else "8", "instrument": f"form_{number}"}
            keep_item(store, study="trial", source="redcap", form=form, now=NOON.replace(day=number + 1))
            asks = (Asking("compute_visit_dates", RECORD),)
            results = [
                Result(item, outcome, reason, asks) for item in claim_items(store, "trial", limit=9, now=NOON)
            ]
            log_items(store, "trial", results=results, flow="ingest_triggers", revision=1, now=NOON)
    return tmp_path


def store_in(folder: Path) -> Store:
    return Store.open(f"sqlite:///{folder / 'store.sqlite'}", load_keys(None, home=folder))


def test_the_list_shows_how_items_stand_and_no_record(capstan: CommandLine) -> None:
    said = capstan("triggers", "list", "--study", "trial")

    text = " ".join(said.out.split())
    assert said.code == 0
    assert [text.count(word) for word in ("loaded", "not completed", "StoreError: busy.")] == [1, 1, 1]
    assert "compute_visit_dates is to run for 1 records" in text
    assert RECORD not in text


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--status", "skipped"), [2]),
        (("--study", "trial", "--record", RECORD), [3, 2]),
        (("--since", "2026-06-02", "--until", "2026-06-03"), [2]),
        (("--study", "other"), []),
        (("--limit", "1"), [3]),
    ],
)
def test_the_list_is_narrowed_down(
    options: tuple[str, ...], numbers: list[int], capstan: CommandLine
) -> None:
    said = capstan("triggers", "list", *options, "--json")

    assert said.code == 0
    assert [one["id"] for one in json.loads(said.out)["items"]] == numbers


def test_one_item_is_shown_with_its_log_and_what_it_said_when_asked(capstan: CommandLine) -> None:
    plain = json.loads(capstan("triggers", "show", "2", "--json").out)
    whole = json.loads(capstan("triggers", "show", "2", "--values", "--json").out)

    assert "form" not in plain
    assert whole["form"]["record"] == RECORD
    assert [(line["flow"], line["outcome"]) for line in whole["log"]] == [("ingest_triggers", "skipped")]


def test_items_are_replayed(capstan: CommandLine) -> None:
    said = capstan("triggers", "replay", "--status", "again", "--json")
    listed = capstan("triggers", "list", "--json")

    assert (said.code, json.loads(said.out)) == (0, {"reopened": 1, "lost": 0})
    assert [one["status"] for one in json.loads(listed.out)["items"]] == ["open", "skipped", "loaded"]


def test_what_retention_deleted_cannot_be_replayed(capstan: CommandLine, home: Path) -> None:
    with store_in(home) as store:
        purge(store, before=NOON.replace(year=2027), now=NOON, study="trial")

    some, none = capstan("triggers", "replay", "1", "3"), capstan("triggers", "replay", "1")

    assert (some.code, none.code) == (4, 3)
    assert "was deleted after the retention" in none.sentence


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("replay",), "Say which items"),
        (("list", "--record", RECORD), "give --study too"),
        (("list", "--status", "done"), "There is no status 'done'"),
        (("show", "77"), "There is no item 77"),
    ],
)
def test_a_persons_mistake_is_one_sentence(command: tuple[str, ...], said: str, capstan: CommandLine) -> None:
    ended = capstan("triggers", *command)

    assert ended.code == 2
    assert said in ended.sentence
