"""`capstan import --fix suggested`: a corrected file for a person to look at, and nothing imported."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, Desk, Project, load

from studies.demo.generate import project_xml

ROOT = Path(__file__).resolve().parents[2]
STUDY = """
study: demo
title: Demo
redcap:
  url: {url}
  token: {{env: TOKEN}}
  project: {{id: {project}, title: Demo, status: development}}
arms: {{shared: [1], assigned_by: {{event: baseline_arm_1, field: rand_color}}}}
writes: {{allow: [participant_info, exam, phone_follow_up], limits: {{share: 1}}}}
"""


@pytest.fixture(scope="module")
def project(addresses: dict[str, Any]) -> Project:
    return load(addresses, xml=project_xml(date(2026, 6, 1), participants=12), title="Demo")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Project) -> Desk:
    made = Desk(tmp_path, monkeypatch)
    made.set("TOKEN", project.token)
    made.write_study(STUDY.format(url=project.url, project=project.project_id))
    return made


def randomized(project: Project) -> tuple[str, str, str]:
    """A record, an event of its arm, and the same event of the other arm."""
    row = next(row for row in project.rows(fields="record_id,rand_color") if row["rand_color"])
    other = {"2": "3", "3": "2"}[row["rand_color"]]
    return row["record_id"], f"6_month_arm_{row['rand_color']}", f"6_month_arm_{other}"


def test_what_was_meant_is_written_to_a_file_of_the_owners_and_nothing_is_imported(
    capstan: CommandLine, desk: Desk, project: Project
) -> None:
    record, right, wrong = randomized(project)
    file = desk.write_file(f"record_id,redcap_event_name,exam_num_teeth\n{record},{wrong},21.0 \n")
    before = project.state()

    said = capstan("import", file, "--study", "demo", "--fix", "suggested", "-o", "corrected.csv")

    made = desk.folder / "corrected.csv"
    assert said.code == 0, said.err
    assert made.read_text(encoding="utf-8").splitlines()[1] == f"{record},{right},21"
    assert made.stat().st_mode & 0o077 == 0
    assert project.state() == before
    assert "21" not in said.out.replace("2 cells", "")


def test_the_corrected_file_is_one_that_the_gate_lets_pass(
    capstan: CommandLine, desk: Desk, project: Project
) -> None:
    record, _, wrong = randomized(project)
    file = desk.write_file(f"record_id,redcap_event_name,exam_num_teeth\n{record},{wrong},22.0\n")

    said = capstan("import", file, "--study", "demo", "--fix", "suggested", "--json")
    again = capstan("import", json.loads(said.out)["file"], "--study", "demo", "--dry-run", "--json")

    assert json.loads(said.out)["cells"] == {"exam_num_teeth": 1, "redcap_event_name": 1}
    assert json.loads(said.out)["stopped_after"] == {}
    assert json.loads(again.out)["rejected"] == []


def test_a_file_that_is_there_already_is_not_overwritten(capstan: CommandLine, desk: Desk) -> None:
    file = desk.write_file("record_id,redcap_event_name,part_age\n1,baseline_arm_1,5\n")

    said = capstan("import", file, "--study", "demo", "--fix", "suggested", "-o", file)

    assert said.code == 2
    assert "is there already" in said.sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-o", "x.csv"], "give --fix suggested with it"),
        (["--fix", "suggested", "-p", "erase_blanks=true"], "takes no parameter 'erase_blanks'"),
        (["--fix", "suggested", "-p", "max_share=lots"], "max_share"),
    ],
)
def test_wrong_words_are_told_in_one_sentence(
    words: list[str], sentence: str, capstan: CommandLine, desk: Desk
) -> None:
    file = desk.write_file("record_id,redcap_event_name,part_age\n1,baseline_arm_1,5\n")

    said = capstan("import", file, "--study", "demo", *words)

    assert said.code == 2
    assert sentence in said.sentence
