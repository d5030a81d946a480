"""Imports to which no answer comes: REDCap is asked what it holds; only what did not land goes again, in halves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest
import requests
from live_study import LiveStudy, make_study

from capstan.errors import RedcapUnavailable
from capstan.store import list_batches
from studies.demo.generate import project_xml
from tasks.connections import LiveProject, open_project
from tasks.journal import begin_run, give_up
from tasks.redcap import read_records
from tasks.writing import write_cells


@pytest.fixture(scope="module")
def study(addresses: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> LiveStudy:
    xml = project_xml(date(2026, 6, 1), participants=12)
    body = "writes: {allow: [participant_info], limits: {share: 1}}\n"
    folder = tmp_path_factory.mktemp("lost")
    return make_study(folder, name="trial", addresses=addresses, xml=xml, title="Trial", body=body)


@pytest.fixture
def live(study: LiveStudy, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveProject]:
    for name, value in study.environment.items():
        monkeypatch.setenv(name, value)
    project = open_project("trial")
    yield project
    project.close()


@contextmanager
def fault(addresses: dict[str, Any], kind: str, *, count: int) -> Iterator[None]:
    """The next imports end without an answer; `close_before` before REDCap did anything."""
    url = f"{addresses['control_url']}faults"
    asked = {"kind": kind, "content": "record", "action": "import", "count": count}
    requests.post(url, json=asked, timeout=30).raise_for_status()
    try:
        yield
    finally:
        requests.delete(url, timeout=30).raise_for_status()


def now() -> datetime:
    return datetime.now(UTC)


def names(live: LiveProject, count: int = 5) -> pd.Series:
    rows = read_records(
        live, fields=["part_first_name"], records=[str(number) for number in range(1, count + 1)]
    )
    return rows[rows["redcap_event_name"] == "baseline_arm_1"].set_index("record_id")["part_first_name"]


def wanted(live: LiveProject, after: str, *, count: int = 5) -> pd.DataFrame:
    """A cell of each of some records, from what it holds to another name."""
    keys = {"event": "baseline_arm_1", "instrument": "", "instance": "", "field": "part_first_name"}
    held = names(live, count).items()
    return pd.DataFrame(
        [{"record": record, **keys, "before": name, "after": after} for record, name in held], dtype="str"
    )


@pytest.mark.parametrize(
    ("kind", "lost", "sizes"),
    [
        ("close_before", 1, [5, 2, 2, 1]),
        ("close_before", 2, [5, 2, 1, 1, 1, 1, 1]),
        ("close_after", 1, [5]),
    ],
)
def test_only_what_did_not_land_goes_again_and_in_smaller_parts(
    addresses: dict[str, Any], live: LiveProject, kind: str, lost: int, sizes: list[int]
) -> None:
    run = begin_run(live, flow="test", now=now(), dry_run=False)
    cells = wanted(live, f"{kind} {lost}")

    with fault(addresses, kind, count=lost):
        written = write_cells(live, run, cells=cells, clock=now)
    batches = [batch.cells for batch in list_batches(live.store, run)]
    give_up(live, run, state=run.state.FAILED, note="test", now=now())

    assert sorted(batches, reverse=True) == sorted(sizes, reverse=True)
    assert (written.counts, written.is_complete) == ({"cells_written": 5}, True)
    assert set(names(live)) == {f"{kind} {lost}"}


def test_a_redcap_that_answers_to_no_import_is_left_alone_after_some(
    addresses: dict[str, Any], live: LiveProject
) -> None:
    run = begin_run(live, flow="test", now=now(), dry_run=False)
    before = names(live, 12)
    cells = wanted(live, "Never", count=12)

    with fault(addresses, "close_before", count=50), pytest.raises(RedcapUnavailable, match="11 imports in"):
        write_cells(live, run, cells=cells, clock=now)
    give_up(live, run, state=run.state.FAILED, note="test", now=now())

    assert names(live, 12).equals(before)
