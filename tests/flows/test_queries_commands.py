"""Queries in a terminal: listed, shown, answered, and written into a file that no spreadsheet runs."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from command_line import CommandLine

from capstan.settings import load_settings
from capstan.store.outbox_rows import Mailroom
from capstan.store.query_moves import Looked
from capstan.store.query_rows import FINDING_COLUMNS
from capstan.store.query_settling import settle_queries
from tasks.connections import open_store

ROOM = Mailroom("trial", "redcap.test", 14)
STUDY = (
    "study: trial\ntitle: Trial\ntimezone: UTC\nredcap:\n  url: https://redcap.test/api/\n  token: {env: NONE}\n"
    "  project: {id: 14, title: Trial, status: development}\n"
)
HOSTILE = '=HYPERLINK("http://evil")[bold]'
NOW = datetime.now(UTC)


def found(record: str, site: str, *, check: str = "range") -> dict[str, str]:
    place = {"record": record, "event": "baseline_arm_1", "instrument": "", "instance": "", "field": "weight"}
    said = {"check": check, "severity": "error", "reason": "-1 is too small", "form": "exam", "content": "1"}
    return {**place, **said, "site": site}


@pytest.fixture(autouse=True)
def _queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two queries that are 40 days old, and one of today."""
    folder = tmp_path / "studies" / "trial"
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    monkeypatch.setenv("CAPSTAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAPSTAN_STUDIES", str(folder.parent))
    old = [found(HOSTILE, "north"), found("2", "south")]
    with open_store(load_settings()) as store:
        for listed, at in ((old, NOW - timedelta(days=40)), ([*old, found("3", "north")], NOW)):
            frame = pd.DataFrame(listed, columns=list(FINDING_COLUMNS))
            settle_queries(store, ROOM, found=frame, looked=Looked(at), at_most=9)


def test_queries_are_listed_by_age_and_site_and_counted(capstan: CommandLine) -> None:
    said = capstan("queries", "list", "--study", "trial", "--site", "north", "--json")

    told = json.loads(said.out)
    assert [(one["number"], one["days"]) for one in told["queries"]] == [(2, 40), (3, 0)]
    counts = {"under 1 day": 1, "1 to 7 days": 0, "7 to 30 days": 0, "over 30 days": 1}
    assert told["counts"] == [{"site": "north", **counts}]


def test_a_hostile_name_is_shown_as_it_is(capstan: CommandLine) -> None:
    said = capstan("queries", "list", "--study", "trial", "--older", "30d")

    assert "[bold]" in said.out.replace("\n", "")
    assert "south" in said.out


def test_a_query_is_answered_dismissed_and_opened_again(capstan: CommandLine) -> None:
    words = ("--study", "trial", "--by", "Ann")
    first = capstan("queries", "answer", "1", *words, "--text", "yes [it] is")
    second = capstan("queries", "dismiss", "2", *words, "--reason", "known", "--until", "2999-01-31")
    third = capstan("queries", "reopen", "2", *words)
    shown = capstan("queries", "show", "1", "--study", "trial")
    listed = json.loads(capstan("queries", "list", "-s", "trial", "--state", "answered", "--json").out)

    assert (first.code, second.code, third.code) == (0, 0, 0)
    assert "answered by Ann: yes [it] is" in shown.out
    assert [(one["number"], one["answer"]) for one in listed["queries"]] == [(1, "yes [it] is")]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "99"), "There is no query 99"),
        (("reopen", "1"), "Query 1 is open; it cannot be reopened."),
        (("answer", "1", "--text", " "), "--text must say something."),
        (("list", "--older", "soon"), "--older soon is not a length of time"),
        (("dismiss", "1", "--reason", "x", "--until", "2001-01-01"), "must lie ahead"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(
    capstan: CommandLine, words: tuple[str, ...], sentence: str
) -> None:
    said = capstan("queries", *words, "--study", "trial")

    assert said.code in (1, 2)
    assert sentence in said.sentence


def test_the_file_holds_no_formula_and_is_its_owner_s_alone(capstan: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "queries.csv"
    said = capstan("queries", "export", str(file), "--study", "trial")

    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    assert said.code == 0
    assert [(row["site"], row["number"]) for row in rows] == [("north", "2"), ("north", "3"), ("south", "1")]
    assert (rows[0]["record"], rows[0]["reason"]) == (f"'{HOSTILE}", "'-1 is too small")
    assert file.stat().st_mode & 0o077 == 0


def test_a_study_that_was_never_looked_at_says_so(capstan: CommandLine) -> None:
    said = capstan("quality", "show", "--study", "trial")

    assert (said.code, said.out) == (0, "Nothing was looked at yet; `capstan run data_quality` does.\n")
