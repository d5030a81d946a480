"""`capstan schedule`, `deployments` and `run-studies` without a Prefect server."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from command_line import CommandLine
from scheduled_study import scheduled_study

from capstan.timetable.deployments import deployments_of
from cli.calendar_picture import save_week

ROOT = Path(__file__).resolve().parents[2]
DEMO = (ROOT / "studies" / "demo" / "study.yaml").read_text(encoding="utf-8")
FEW = ("poll_participants", "check_eligibility")
OWN_TIMES = """
schedules:
  shift: 5 minutes
  flows:
    poll_participants: {every: 10 minutes}
    check_eligibility: off
    compute_visit_dates: {cron: "0 1 * * *", parameters: {max_share: 0.5}}
"""


@pytest.fixture
def studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the study `north`, which has times of its own, beside the demo."""
    monkeypatch.setenv("CAPSTAN_STUDIES", str(tmp_path))
    monkeypatch.setenv("CAPSTAN_HOME", str(tmp_path / "home"))
    write_study(tmp_path, DEMO + OWN_TIMES)
    return tmp_path


def write_study(folder: Path, text: str) -> None:
    (folder / "north").mkdir(exist_ok=True)
    file = folder / "north" / "study.yaml"
    file.write_text(text.replace("study: demo", "study: north", 1), encoding="utf-8")


def test_all_studies_are_listed_with_what_is_on_demand(studies: Path, capstan: CommandLine) -> None:
    said = capstan("schedule", "--days", "1", "--json")

    told = {one["study"]: one for one in json.loads(said.out)["studies"]}
    assert set(told) == {"demo", "north"}
    flows = {one["flow"]: one for one in told["north"]["flows"]}
    assert flows["poll_participants"]["when"] == ["every 10 minutes"]
    assert flows["poll_participants"]["starts"] == 144
    assert flows["check_eligibility"]["when"] == []
    (times,) = flows["compute_visit_dates"]["schedules"]
    assert times == {"slug": "own-1", "cron": "5 1 * * *", "parameters": {"max_share": 0.5}}
    assert flows["compute_visit_dates"]["next"].endswith(("01:05:00-08:00", "01:05:00-07:00"))


def test_people_read_when_what_runs(studies: Path, capstan: CommandLine) -> None:
    said = capstan("schedule", "--study", "north")

    assert "every 10 minutes" in said.out
    assert "on demand: check_eligibility" in said.out
    assert "demo" not in said.out


def test_a_study_that_cannot_be_read_hides_no_other(studies: Path, capstan: CommandLine) -> None:
    write_study(studies, DEMO + "schedules: {shift: 2 hours}\n")

    said = capstan("schedule", "--json")

    assert [one["study"] for one in json.loads(said.out)["studies"]] == ["demo"]
    assert "schedules: shift must be less than 1 hour" in said.sentence


def test_the_week_is_drawn_for_light_and_dark_pages(tmp_path: Path) -> None:
    few = [one for one in deployments_of(scheduled_study()) if one.row.flow in FEW]
    files = {dark: tmp_path / f"{dark}.svg" for dark in (False, True)}

    for dark, file in files.items():
        save_week(few, first=date(2026, 11, 2), zone=ZoneInfo("America/Los_Angeles"), file=file, dark=dark)

    light, night = (file.read_text(encoding="utf-8") for file in files.values())
    assert "#ffffff" in light
    assert "#0d1117" in night
    assert ">Mon 02 Nov<" in light
    assert light.count(">02:00<") == 7
    assert ">every 15 min<" in light


def test_a_picture_of_another_kind_is_refused(studies: Path, capstan: CommandLine) -> None:
    said = capstan("schedule", "--picture", "week.gif")

    assert said.code == 2
    assert "must end in .svg or .png" in said.err


def test_a_parameter_that_the_flow_does_not_have_is_refused(studies: Path, capstan: CommandLine) -> None:
    write_study(studies, DEMO + OWN_TIMES.replace("max_share", "max_shear"))

    said = capstan("deployments", "north")

    assert said.code == 2
    assert "max_shear" in said.sentence
    assert said.out == ""


def test_one_study_that_fails_stops_no_other(studies: Path, capstan: CommandLine) -> None:
    """Neither study has a token here, so that both fail, and both are tried."""
    said = capstan("run-studies", "check_eligibility", "--dry-run", "--json")

    told = json.loads(said.out)
    assert told["runs"] == {"failed": 2}
    assert told["outcome"] == "failed"
    assert "demo (failed: " in said.sentence
    assert "north (failed: " in said.sentence
    assert said.code == 1


def test_a_study_that_cannot_be_read_is_counted_when_all_run(studies: Path, capstan: CommandLine) -> None:
    write_study(studies, DEMO + "schedules: {shift: 2 hours}\n")

    said = capstan("run-studies", "check_eligibility", "--dry-run", "--json")

    told = json.loads(said.out)
    assert told["runs"] == {"failed": 2}
    assert "shift must be less than 1 hour" in told["reason"]


def test_a_named_study_without_a_use_for_the_flow_is_told_of(studies: Path, capstan: CommandLine) -> None:
    said = capstan("run-studies", "check_partner_status", "demo", "--dry-run")

    assert "demo has no use for check_partner_status" in said.sentence
    assert said.code == 2


def test_what_no_flow_takes_is_refused_before_anything_runs(studies: Path, capstan: CommandLine) -> None:
    said = capstan("run-studies", "check_eligibility", "-p", "max_share=7")

    assert said.code == 2
    assert "max_share" in said.sentence
