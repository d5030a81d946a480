"""Triggers: what they say, which rules they fall under, and which row of an export they mean."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.errors import StudyError, TriggerError
from capstan.plan import KEY_NAMES
from capstan.project_names import Project
from capstan.study import Study
from capstan.study.check import check_study
from capstan.triggers import read_trigger
from capstan.triggers.routing import Skip, completed, find_row, place_of, rules_for, why_foreign
from tests.unit.demo_project import demo_dictionary, demo_grid, demo_study

PROJECT = Project(demo_dictionary(), demo_grid())
FORM = {
    "redcap_url": "http://127.0.0.1/",
    "project_url": "http://127.0.0.1/redcap_v15.2.1/index.php?pid=1",
    "project_id": "1",
    "username": "ann",
    "record": "7",
    "redcap_event_name": "6_month_arm_2",
    "instrument": "exam",
    "exam_complete": "2",
}


def study(*rules: dict[str, Any]) -> Study:
    return demo_study(triggers=list(rules) or [{"instrument": "exam"}], monitors=[])


def row(
    event: str = "6_month_arm_2", instrument: str = "", instance: str = "", **cells: str
) -> dict[str, str]:
    keys = dict(zip(KEY_NAMES, (event, instrument, instance), strict=True))
    return {"record_id": "7", **keys, "exam_complete": "2", "phone_follow_up_complete": "2", **cells}


def test_a_trigger_is_read_as_redcap_posts_it() -> None:
    trigger = read_trigger(FORM | {"redcap_data_access_group": "north"})

    place = trigger.place
    assert (place.record, place.event, place.instrument, place.instance) == ("7", "6_month_arm_2", "exam", "")
    assert (trigger.status, trigger.group, trigger.username) == ("2", "north", "ann")
    assert (trigger.host, trigger.version) == ("127.0.0.1", "15.2.1")


@pytest.mark.parametrize("name", ["record", "project_id", "redcap_url", "project_url", "instrument"])
def test_what_lacks_a_field_is_no_trigger_and_says_which(name: str) -> None:
    with pytest.raises(TriggerError, match=f"{name} missing"):
        read_trigger(FORM | {name: " "})


@pytest.mark.parametrize(
    ("url", "version"),
    [
        ("https://redcap.example.org/redcap_v7.4.2/index.php?pid=1", "7.4.2"),
        ("https://redcap.example.org/redcap/redcap_v14.0/index.php", "14.0"),
        ("https://redcap.example.org/index.php?pid=1", ""),
        ("redcap_v../../index", ""),
        ("/redcap_v" + "1." * 5000, ""),
    ],
)
def test_the_version_is_taken_only_from_where_it_stands(url: str, version: str) -> None:
    assert read_trigger(FORM | {"project_url": url}).version == version


def test_what_a_trigger_says_of_people_is_not_in_its_repr() -> None:
    trigger = read_trigger(FORM | {"record": "Ann Lee", "username": "bob.smith"})

    assert "Ann" not in repr(trigger)
    assert "bob" not in repr(trigger)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"redcap_url": "https://127.0.0.1:8443/redcap/"}, None),
        ({"redcap_url": "https://127.0.0.1.example.org/"}, Skip.OTHER_SERVER),
        ({"redcap_url": "http://[127.0.0.1/"}, Skip.OTHER_SERVER),
        ({"redcap_url": "127.0.0.1"}, Skip.OTHER_SERVER),
        ({"project_id": "01"}, Skip.OTHER_PROJECT),
    ],
)
def test_only_the_studys_own_server_and_project_count(changes: dict[str, str], why: Skip | None) -> None:
    assert why_foreign(read_trigger(FORM | changes), study()) is why


@pytest.mark.parametrize(
    ("rule", "event", "found"),
    [
        ({"instrument": "exam"}, "6_month_arm_2", True),
        ({"instrument": "exam"}, "", True),
        ({"instrument": "exam", "events": "6_month"}, "6_month_arm_3", True),
        ({"instrument": "exam", "events": ["6_month_arm_2"]}, "6_month_arm_3", Skip.NO_RULE_HERE),
        ({"instrument": "exam", "events": "6_month, 12_month"}, "12_month_arm_2", True),
        ({"instrument": "phone_follow_up"}, "6_month_arm_2", Skip.NO_RULE),
    ],
)
def test_a_rule_holds_on_its_instrument_and_events(
    rule: dict[str, Any], event: str, found: bool | Skip
) -> None:
    given = study(rule)

    rules = rules_for(read_trigger(FORM | {"redcap_event_name": event}), given, project=PROJECT)

    assert rules == (given.triggers if found is True else found)


def test_all_rules_of_a_form_hold_together() -> None:
    given = study({"instrument": "exam", "starts": "compute_visit_dates"}, {"instrument": "exam"})

    assert rules_for(read_trigger(FORM), given, project=PROJECT) == given.triggers


REPEATED = {"instrument": "phone_follow_up", "redcap_repeat_instance": "2"}


@pytest.mark.parametrize(
    ("changes", "rows", "found"),
    [
        ({}, [row()], 0),
        ({}, [], Skip.RECORD_GONE),
        ({}, [row("12_month_arm_2")], Skip.FORM_GONE),
        ({}, [row("baseline_arm_1"), row(instrument="phone_follow_up", instance="1"), row()], 2),
        ({"redcap_event_name": ""}, [row("baseline_arm_1"), row()], 1),
        ({"redcap_event_name": ""}, [row(), row("12_month_arm_2")], Skip.SEVERAL_ROWS),
        (REPEATED, [row(), *(row(instrument="phone_follow_up", instance=n) for n in "123")], 2),
        (REPEATED, [row(), row(instrument="phone_follow_up", instance="1")], Skip.FORM_GONE),
        (
            {"instrument": "phone_follow_up"},
            [row(), *(row(instrument="phone_follow_up", instance=n) for n in "12")],
            Skip.SEVERAL_ROWS,
        ),
    ],
)
def test_the_row_that_is_meant_is_found_by_its_whole_key(
    changes: dict[str, str], rows: list[dict[str, str]], found: int | Skip
) -> None:
    meant = find_row(rows, read_trigger(FORM | changes), project=PROJECT)

    assert meant is found if isinstance(found, Skip) else meant is rows[found]


@pytest.mark.parametrize(
    ("rule", "cells", "holds"),
    [
        ({}, {"exam_complete": "2"}, True),
        ({}, {"exam_complete": "1"}, False),
        ({}, {"exam_complete": ""}, False),
        ({"completed": "1, 2"}, {"exam_complete": "1"}, True),
        ({"completed": 1}, {"exam_complete": "2"}, False),
        ({"completed_field": "exam_place"}, {"exam_place": "2", "exam_complete": "0"}, True),
    ],
)
def test_completion_is_what_redcap_holds(rule: dict[str, Any], cells: dict[str, str], holds: bool) -> None:
    given = study({"instrument": "exam", **rule})

    rules = completed(given.triggers, row(**cells), project=PROJECT)

    assert rules == (given.triggers if holds else Skip.NOT_COMPLETED)


def test_the_place_is_that_of_the_row_and_not_of_the_trigger() -> None:
    found = row(instrument="phone_follow_up", instance="2")

    place = place_of(found, instrument="phone_follow_up", record_field="record_id")

    assert (place.record, place.event, place.instance) == ("7", "6_month_arm_2", "2")


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"instrument": "exams"}, "instrument", "did you mean 'exam'"),
    ({"instrument": "exam", "events": "6_months"}, "events", "did you mean '6_month'"),
    ({"instrument": "exam", "events": "baseline"}, "events", "exam is not designated for baseline"),
    ({"instrument": "exam", "date": "exam_day"}, "date", "there is no field 'exam_day'"),
    ({"instrument": "exam", "date": "rand_date"}, "date", "randomization of the field rand_date is not"),
    ({"instrument": "exam", "session_id": "exam_findings"}, "session_id", "is a checkbox"),
    (
        {"instrument": "exam", "completed_field": "rand_color"},
        "completed_field",
        "exam has no field 'rand_color'",
    ),
    ({"instrument": "phone_follow_up", "date": "exam_date"}, "date", "phone_follow_up has no field"),
    ({"instrument": "exam", "completed": "3"}, "completed", "exam_complete has no code 3; it has 0, 1, 2"),
    ({"instrument": "exam", "expects": "scans"}, "expects", "there is no monitor 'scans'"),
]


@pytest.mark.parametrize(("rule", "part", "said"), MISTAKES)
def test_a_wrong_name_in_a_rule_is_found_at_its_place(rule: dict[str, Any], part: str, said: str) -> None:
    problems = check_study(study(rule), dictionary=demo_dictionary(), grid=demo_grid())

    here = [problem.text for problem in problems if problem.place == f"triggers[0].{part}"]
    assert any(said in text for text in here)


@pytest.mark.parametrize(
    ("flow", "part", "said"),
    [
        ("compute_visit_dates", "visits", "the study has no visits to compute"),
        ("check_eligibility", "eligibility", "the study has no criteria to judge"),
    ],
)
def test_a_flow_without_anything_to_do_cannot_be_started(flow: str, part: str, said: str) -> None:
    rule = {"instrument": "exam", "starts": flow}
    lacking = demo_study(triggers=[rule], messages=[], monitors=[], **{part: [] if part == "visits" else {}})

    problems = check_study(lacking, dictionary=demo_dictionary(), grid=demo_grid())

    assert [problem.text for problem in problems if problem.place == "triggers[0].starts"] == [
        next(problem.text for problem in problems if said in problem.text)
    ]


def test_a_flow_that_triggers_may_not_start_is_refused_when_the_study_is_read() -> None:
    with pytest.raises(StudyError, match=r"triggers\.0\.starts"):
        study({"instrument": "exam", "starts": "revert_run"})


def test_the_fields_of_a_rule_are_all_that_it_names() -> None:
    rule = study(
        {"instrument": "exam", "session_id": "a", "date": "b", "comment": "c", "user": "d"}
    ).triggers[0]

    assert rule.fields == ("exam_complete", "a", "b", "c", "d")
