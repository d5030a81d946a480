"""Pages of studies in stores of each kind: what is counted is kept, what names records is sealed, files are whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from capstan.overview import Panel
from capstan.store import Store
from capstan.store.panels import read_panels
from capstan.study import Study
from tasks.pages.panels import collect_panels, keep_counted
from tasks.private_files import replace_privately
from tests.unit.visit_cases import study_of

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WRITES_FOREVER = """
import itertools, sys
from pathlib import Path
from tasks.private_files import replace_privately
for number in itertools.count():
    replace_privately(Path(sys.argv[1]), b"%d" % (number % 10) * 1_000_000)
"""


def naming(*, records: bool) -> Study:
    return study_of(page={"records": records})


def panels() -> list[Panel]:
    counts = pd.DataFrame(
        [("f", "", "", 3, 2, 0.67)], columns=["form", "event", "site", "expected", "complete", "share"]
    )
    late = pd.DataFrame([("r-77", "6 month", "2026-01-02", "")], columns=["record", "visit", "due", "site"])
    return [
        Panel("completeness", "Complete forms", "2 of 3.", counts),
        Panel("overdue", "Overdue", "One.", late),
    ]


def shown(store: Store, study: Study) -> dict[str, Panel]:
    kept = read_panels(store, study.study)
    return {panel.id: panel for panel in collect_panels(store, study, kept=kept, now=NOW)}


@pytest.mark.parametrize(
    ("said", "asked", "is_named"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_records_are_named_only_while_the_study_says_so(
    store: Store, said: bool, asked: bool, is_named: bool
) -> None:
    keep_counted(store, naming(records=said), panels=panels(), now=NOW)

    kept = read_panels(store, naming(records=said).study)
    assert ("overdue" in shown(store, naming(records=asked))) is is_named
    assert "r-77" not in json.dumps([one.content for one in kept.values()])
    assert "completeness" in kept


def test_a_page_shows_what_was_counted_and_what_the_store_holds(store: Store) -> None:
    study = naming(records=False)
    keep_counted(store, study, panels=panels(), now=NOW)

    found = shown(store, study)

    assert found["completeness"].table["complete"].tolist() == [2]
    assert found["runs"].says == "Nothing was written or stopped yet."


def test_panels_can_be_asked_for_without_what_is_in_them(store: Store) -> None:
    study = naming(records=False)
    keep_counted(store, study, panels=panels(), now=NOW)

    whole, brief = read_panels(store, study.study), read_panels(store, study.study, only="overdue")

    assert {name: one.digest for name, one in brief.items()} == {
        name: one.digest for name, one in whole.items()
    }
    assert brief["completeness"].content == ""
    assert brief["overdue"].content == whole["overdue"].content


def test_pages_that_are_written_at_once_leave_a_whole_one(tmp_path: Path) -> None:
    path, pages = tmp_path / "page.html", [bytes([48 + number]) * 1_000_000 for number in range(8)]
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda page: replace_privately(path, page), pages))

    assert path.read_bytes() in pages
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_a_writer_that_is_killed_leaves_a_whole_page(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITES_FOREVER, str(path)], cwd=Path(__file__).parents[2]
    )
    patience = time.monotonic() + 30
    while not path.exists() and time.monotonic() < patience:
        os.sched_yield()
    writer.send_signal(signal.SIGKILL)
    writer.wait()

    content = path.read_bytes()
    assert content == content[:1] * 1_000_000
