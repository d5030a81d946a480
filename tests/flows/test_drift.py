"""What people redesign in REDCap between two runs: who stops, who only says so, and how it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from live_study import LiveStudy
from trial_study import BODY, TODAY, change_dictionary, make_trial, rows_file

from capstan.errors import Refused, StudyError
from capstan.store import write_watermark
from flows.change_records import delete, rename
from flows.check_eligibility import check_eligibility
from flows.compute_visit_dates import compute_visit_dates
from flows.import_records import import_records
from tasks.connections import open_project

VISIT = (
    "visits:\n  - {name: 6 month, event: 6_month, anchor: '[baseline_arm_1][rand_date]', after: 6 months, "
    "done_when: \"[exam_complete] = '2'\"}\n"
    "eligibility:\n  event: baseline_arm_1\n"
    "  criteria: [{id: age, rule: '[part_age] >= 3', reason: must be 3 or older}]\n"
)
PLACES = "clinic, Clinic | school, School | home, Home | moon, Moon"


@pytest.fixture
def study(addresses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStudy:
    """A study that has run once: its visits read `rand_date`, its criterion reads `part_age`."""
    made = make_trial(tmp_path, addresses, monkeypatch, body=BODY + VISIT)
    compute_visit_dates.fn("trial", today=TODAY)
    return made


def redesign(study: LiveStudy, name: str, **change: str) -> None:
    """Somebody changes a field in the Online Designer; with the type `gone` the field goes."""
    fields = study.call(content="metadata", format="json").json()
    kept = [
        field | (change if field["field_name"] == name else {})
        for field in fields
        if field["field_name"] != name or change.get("field_type") != "gone"
    ]
    forms = list(dict.fromkeys(field["form_name"] for field in fields))
    kept.sort(key=lambda field: forms.index(field["form_name"]))
    assert study.call(content="metadata", format="json", data=json.dumps(kept)).ok


def visits() -> dict[str, Any]:
    return compute_visit_dates.fn("trial", today=TODAY)


def criteria() -> dict[str, Any]:
    return check_eligibility.fn("trial", today=TODAY)


def test_an_unchanged_project_is_not_mentioned(study: LiveStudy) -> None:
    assert "project_changes" not in visits()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"field_label": "Age of the child"}, ["part_age: label only"]),
        ({"field_note": "in years", "branching_logic": "[record_id] <> ''"}, ["part_age: logic"]),
    ],
)
def test_what_can_do_no_harm_stops_nobody_and_is_said_once(
    study: LiveStudy, change: dict[str, str], told: list[str]
) -> None:
    redesign(study, "part_age", **change)

    first, second = criteria(), criteria()

    assert [one[: len(text)] for one, text in zip(first["project_changes"], told, strict=True)] == told
    assert "project_changes" not in second


def test_a_new_choice_is_told_apart_from_a_removed_one(study: LiveStudy) -> None:
    redesign(study, "exam_place", select_choices_or_calculations=PLACES)
    more = criteria()["project_changes"]

    redesign(study, "rand_color", select_choices_or_calculations="2, Red")
    with pytest.raises(Refused, match=r"rand_color: Choices of the field were removed"):
        visits()

    assert "exam_place: new choice" in more


def test_only_the_flow_that_reads_a_field_of_another_type_stops(study: LiveStudy) -> None:
    redesign(study, "part_age", text_validation_type_or_show_slider_number="number", text_validation_min="1")

    noted = visits()
    with pytest.raises(Refused) as caught:
        criteria()

    assert noted["project_changes"] == ["part_age: other type"]
    assert "(part_age: The field takes other values now); nothing was written" in str(caught.value)
    assert "capstan drift trial --accept" in str(caught.value)


@pytest.mark.parametrize(("name", "uses", "others"), [("part_age", criteria, visits)])
def test_only_the_flow_whose_rules_name_a_removed_field_stops(
    study: LiveStudy, name: str, uses: Callable[[], Any], others: Callable[[], Any]
) -> None:
    redesign(study, name, field_type="gone")

    noted = others()
    with pytest.raises(StudyError, match=rf"eligibility\.criteria.*{name}"):
        uses()

    assert f"{name}: removed field" in noted["project_changes"]


def test_a_rule_that_was_wrong_before_still_stops_every_flow(study: LiveStudy) -> None:
    file = study.folder / "study.yaml"
    file.write_text(file.read_text("utf-8").replace("[part_age]", "[part_ag]"), "utf-8")

    with pytest.raises(StudyError, match="part_ag"):
        visits()


def test_an_import_stops_only_for_the_columns_of_its_file(study: LiveStudy, tmp_path: Path) -> None:
    redesign(study, "part_age", form_name="exam")

    with pytest.raises(Refused, match="part_age: The field moved from participant_info to exam"):
        import_records.fn("trial", rows_file(tmp_path, "1,Ann,4"))
    head = "record_id,redcap_event_name,part_first_name\n"
    other = import_records.fn("trial", rows_file(tmp_path, "1,Ann", head=head))

    assert other["outcome"] == "done"
    assert "part_age: moved to another form" in other["project_changes"]


def test_a_stopped_flow_stops_again_until_a_person_accepts_the_change(
    study: LiveStudy, capstan: CommandLine
) -> None:
    redesign(study, "part_age", text_validation_min="1", text_validation_type_or_show_slider_number="number")
    for _ in range(2):
        with pytest.raises(Refused, match="part_age"):
            criteria()

    listed = capstan("drift", "trial")
    accepted = capstan("drift", "trial", "--accept", "--json")

    assert (listed.code, listed.out.split()) == (0, ["look", "part_age", "other", "type"])
    assert json.loads(accepted.out)["changes"] == [
        {"kind": "other type", "place": "part_age", "harmless": False}
    ]
    assert "project_changes" not in criteria()


def test_a_stopped_run_tells_a_program_so_in_json(study: LiveStudy, capstan: CommandLine) -> None:
    redesign(study, "part_age", text_validation_min="1", text_validation_type_or_show_slider_number="number")

    said = capstan("run", "check_eligibility", "--study", "trial", "--json")

    told = json.loads(said.out)
    assert (said.code, told["outcome"]) == (3, "refused")
    assert told["reason"] == said.sentence
    assert "part_age: The field takes other values now" in told["reason"]
    assert json.loads(capstan("journal", "show", told["run"], "--json").out)["state"] == "refused"


def test_files_deletions_and_renames_note_a_change_and_go_on(study: LiveStudy) -> None:
    redesign(study, "part_age", form_name="exam")

    gone = delete("trial", records=["3"], limit=1)
    renamed = rename("trial", names={"4": "B-4"}, limit=1)

    for done in (gone, renamed):
        assert done["outcome"] == "done"
        assert "part_age: moved to another form" in done["project_changes"]


def test_a_change_is_not_accepted_while_the_study_names_what_is_gone(
    study: LiveStudy, capstan: CommandLine
) -> None:
    redesign(study, "part_age", field_type="gone")

    said = capstan("drift", "trial", "--accept")

    assert said.code == 2
    assert "nothing was accepted: eligibility.criteria[0].rule" in said.sentence.replace("\n", " ")


def test_a_structure_that_another_version_kept_is_begun_anew(study: LiveStudy) -> None:
    live = open_project("trial")
    name = live.watermark("structure")
    write_watermark(live.store, "trial", name=name, value='{"fields": 1}', now=datetime.now(UTC))
    live.close()

    first = visits()
    redesign(study, "part_age", field_label="Age of the child")

    assert "project_changes" not in first
    assert visits()["project_changes"] == ["part_age: label only"]


def test_a_dry_run_keeps_nothing_of_what_it_compares(study: LiveStudy) -> None:
    change_dictionary(study, field_name="part_new", form_name="participant_info", field_type="text")

    rehearsed = check_eligibility.fn("trial", dry_run=True, today=TODAY)

    assert rehearsed["project_changes"] == ["part_new: new field"] == criteria()["project_changes"]
