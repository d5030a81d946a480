"""The page of a run: written by itself, with what was planned, stopped and sent; without anybody's name."""

from __future__ import annotations

import json
import re
import stat
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests
from command_line import CommandLine
from live_study import LiveStudy
from trial_study import make_trial, rows_file

from capstan.errors import CapstanError
from capstan.settings import load_settings
from capstan.store import purge
from flows.apply_plan import apply_plan
from flows.import_records import import_records
from flows.revert_run import revert_run
from tasks.connections import open_store
from tasks.references import references_of

MARK = "Mallory"


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    return make_trial(tmp_path, addresses, monkeypatch)


def path_of(study: LiveStudy, run: str) -> Path:
    return study.home / "reports" / "trial" / "runs" / f"{run}.html"


def page(study: LiveStudy, run: str) -> str:
    """The text of a run's page."""
    return unescape(path_of(study, run).read_text(encoding="utf-8"))


def told(page: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL))


def test_a_run_that_writes_and_stops_rows_tells_all_of_it(study: LiveStudy, tmp_path: Path) -> None:
    run = import_records.fn("trial", rows_file(tmp_path, "1,Ann,4", "2,Bob,400"))["run"]

    said = told(page(study, run))
    assert "Import records: done" in said
    assert "1 row was stopped." in said
    assert re.search(r"part_age participant_info 1 1 0 1 0", said)
    assert re.search(r"baseline_arm_1 2 2 0 2 0", said)
    assert all(
        words in said for words in ("out_of_range error 1", "judge plan", "export records", "verified")
    )
    assert all(words in said for words in ("Prefect", "pandas", "study file", "data dictionary", "terminal"))
    assert f"capstan journal revert {run}" in said


def test_a_page_names_participants_by_references_that_a_terminal_explains(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    run = import_records.fn("trial", rows_file(tmp_path, "2,Bob,400"))["run"]
    (reference,) = references_of("trial", records=["2"]).values()

    told_of = capstan("page", "--run", run, "--records", "--json")

    named = Path(json.loads(told_of.out)["page"])
    assert reference in page(study, run)
    assert ">participant</th>" in page(study, run)
    assert ">record</th>" in named.read_text(encoding="utf-8")
    assert reference not in named.read_text(encoding="utf-8")
    assert named.parent != path_of(study, run).parent


def test_nothing_that_a_file_holds_stands_on_a_page(study: LiveStudy, tmp_path: Path) -> None:
    head = f"record_id,redcap_event_name,part_first_name,part_age,{MARK}_column\n"
    file = rows_file(tmp_path, f"{MARK}-1,{MARK},400,{MARK}", f"2,{MARK},x{MARK},y", head=head)
    text = Path(file).read_text(encoding="utf-8") + f"3,{MARK}_event,{MARK},4,z\n"
    Path(file).write_text(text, encoding="utf-8")
    runs = [import_records.fn("trial", file, dry_run=is_dry)["run"] for is_dry in (True, False)]

    assert all(MARK.casefold() not in page(study, run).casefold() for run in runs)
    assert all("(not in the project)" in page(study, run) for run in runs)


def test_a_run_that_has_nothing_to_tell_has_no_page(study: LiveStudy, tmp_path: Path) -> None:
    file = rows_file(tmp_path, "1,Ann,4")
    runs = [import_records.fn("trial", file)["run"] for _ in range(2)]

    assert [path_of(study, run).exists() for run in runs] == [True, False]


def test_a_run_and_its_undo_lead_to_each_other(study: LiveStudy, tmp_path: Path) -> None:
    run = import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))["run"]
    undo = revert_run.fn("trial", run)["run"]

    assert f'href="{undo}.html"' in page(study, run)
    assert f'href="{run}.html"' in page(study, undo)
    assert "Import records: reverted" in told(page(study, run))
    assert "to undo it" not in told(page(study, run))


def test_a_held_plan_leads_to_the_run_that_applied_it(study: LiveStudy, tmp_path: Path) -> None:
    rows = [f"{number},Ann,4" for number in range(1, 6)]
    waiting = import_records.fn("trial", rows_file(tmp_path, *rows))
    before = told(page(study, waiting["run"]))
    approval = {"approved_by": "Ann Lee", "reason": "checked"}
    applied = apply_plan.fn("trial", waiting["plan"], **approval)["run"]

    assert "Import records: held" in before
    assert re.search(r"part_age participant_info [1-9] 0 [0-9] 0 0", before)
    assert f'href="{applied}.html"' in page(study, waiting["run"])


def test_a_run_that_fails_on_its_way_has_a_page_too(
    study: LiveStudy, addresses: dict[str, Any], tmp_path: Path
) -> None:
    fault = {"kind": "status", "status": 403, "content": "record", "action": "import"}
    assert requests.post(f"{addresses['control_url']}faults", json=fault, timeout=30).ok
    with pytest.raises(CapstanError) as failure:
        import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))

    said = told(page(study, str(failure.value.run)))
    assert "Import records: failed" in said
    assert re.search(r"part_age participant_info 1 0 0 0 1", said)


def test_pages_are_for_their_owner_alone_and_as_old_as_the_store_keeps_them(
    study: LiveStudy, tmp_path: Path
) -> None:
    run = import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))["run"]
    old = path_of(study, "20200101-000000-abcdef")
    old.write_bytes(b"old")
    import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))

    assert stat.S_IMODE(path_of(study, run).stat().st_mode) == 0o600
    assert stat.S_IMODE(path_of(study, run).parent.stat().st_mode) == 0o700
    assert not old.exists()


def test_a_page_of_what_was_deleted_is_refused(
    study: LiveStudy, tmp_path: Path, capstan: CommandLine
) -> None:
    run = import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))["run"]
    later = datetime.now(UTC) + timedelta(days=1)
    with open_store(load_settings()) as store:
        purge(store, before=later, now=later)

    assert capstan("page", "--run", run).code == 3


@pytest.mark.parametrize("words", [(), ("trial", "--run", "2026"), ("trial", "--records")])
def test_a_page_is_of_a_study_or_of_a_run(
    study: LiveStudy, capstan: CommandLine, words: tuple[str, ...]
) -> None:
    asked = capstan("page", *words)

    assert asked.code == 2
    assert "--run" in asked.sentence
