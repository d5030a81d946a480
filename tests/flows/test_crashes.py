"""kill -9 at every step of an import: nothing lost, nothing doubled, and all of it can be undone."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from live_study import LiveStudy, make_study
from processes import run_flow

from capstan.store import RunKind, RunState, Store, list_runs, load_keys
from studies.demo.generate import import_rows, project_xml
from tasks.crash import POINTS

TODAY = date(2026, 6, 1)
PEOPLE = 120
GOOD = 40
BODY = (
    "arms: {shared: [1], assigned_by: {event: baseline_arm_1, field: rand_color}}\n"
    "writes: {allow: [participant_info, exam, phone_follow_up], limits: {share: 1}}\n"
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "rows.csv"
    rows = import_rows(TODAY, participants=PEOPLE, good_rows=GOOD)
    lines = [line for number, line in enumerate(_lines(rows.text), -1) if number not in rows.expected]
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def wanted(addresses: dict[str, Any], file: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The export after an import that nothing disturbed."""
    study = trial(tmp_path_factory.mktemp("calm"), addresses)
    ended = run_flow("import_records", parameters(study, file), environment=study.environment)
    assert ended.summary["outcome"] == "done"
    return study.export()


def trial(folder: Path, addresses: dict[str, Any]) -> LiveStudy:
    xml = project_xml(TODAY, participants=PEOPLE)
    return make_study(folder, name="trial", addresses=addresses, xml=xml, title="Trial", body=BODY)


def parameters(study: LiveStudy, file: Path) -> dict[str, Any]:
    return {"study": study.name, "file": str(file)}


# A clean import stops no row, needs no approval, has nothing to answer and writes to nobody: test_quarantine,
# test_plans, test_messages_crashes, test_trigger_crashes and test_monitors_crashes kill there.
OTHERS = (
    "quarantined",
    "approved",
    "answered",
    "queued",
    "message_claimed",
    "posted",
    "recorded",
    "texted",
    "settled",
    "written_down",
    "claimed",
    "worked",
    "logged",
    "told",
    "started",
)


# The second pass of a point is in the second batch of three; the second pass of a run's own points is none.
@pytest.mark.parametrize(
    "point",
    [
        *(p for p in POINTS if p not in OTHERS),
        *(f"{p}:2" for p in ("checked", "journaled", "sent", "imported", "read_back", "finished")),
    ],
)
def test_an_import_that_is_killed_is_settled_finished_and_undone(
    point: str, addresses: dict[str, Any], file: Path, wanted: bytes, tmp_path: Path
) -> None:
    study = trial(tmp_path, addresses)
    before = study.export()
    given, environment = parameters(study, file), study.environment

    killed = run_flow("import_records", given, environment=environment, crash_at=point)
    again = run_flow("import_records", given, environment=environment)
    after, log = study.export(), study.log()
    reverted = revert_all(study)

    assert killed.exit_code == -9
    assert again.summary["outcome"] in ("done", "idle")
    assert after == wanted
    assert max(writes_by_cell(log).values()) == 1
    assert set(reverted) == {"done"}
    assert study.export() == before


def revert_all(study: LiveStudy) -> list[str]:
    """Revert whatever runs wrote something, newest first; returns how each ended."""
    outcomes = []
    with Store.open(f"sqlite:///{study.home / 'store.sqlite'}", load_keys(None, home=study.home)) as store:
        runs = list_runs(store, study=study.name)
        assert not [run for run in runs if run.is_open]
    for run in runs:
        if run.kind is RunKind.WRITE and run.state is not RunState.IDLE and run.counts.get("cells_written"):
            asked = {"study": study.name, "run": run.id}
            outcomes.append(run_flow("revert_run", asked, environment=study.environment).summary["outcome"])
    return outcomes


def writes_by_cell(log: list[dict[str, str]]) -> Counter[tuple[str, str]]:
    """How often each (record, text of one change) stands in REDCap's log."""
    changes: Counter[tuple[str, str]] = Counter()
    for row in log:
        if "API" in row["action"]:
            changes[(row["action"], row["details"])] += 1
    return changes


def _lines(text: str) -> list[str]:
    """The records of a CSV; a mistake may have put a line break into a cell."""
    import csv
    import io

    out = []
    for row in csv.reader(io.StringIO(text)):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        out.append(line.getvalue())
    return out


@pytest.mark.parametrize("point", ["begun", "journaled", "sent", "imported", "read_back:2", "finished"])
def test_an_undo_that_is_killed_can_be_started_again(
    point: str, addresses: dict[str, Any], file: Path, tmp_path: Path
) -> None:
    study = trial(tmp_path, addresses)
    before = study.export()
    done = run_flow("import_records", parameters(study, file), environment=study.environment).summary
    asked = {"study": study.name, "run": done["run"]}

    killed = run_flow("revert_run", asked, environment=study.environment, crash_at=point)
    again = run_flow("revert_run", asked, environment=study.environment)

    assert killed.exit_code == -9
    assert again.summary["outcome"] in ("done", "idle")
    assert study.export() == before
