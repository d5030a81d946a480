"""The content of forms: equal as long as nobody but a run of ours changed anything."""

from __future__ import annotations

import pytest
from projects import STUDY, dictionary, grid, rows, study

from capstan.triggers import Place
from capstan.triggers.content import Contents, Form, made_trigger

RULES = """
triggers:
  - {instrument: exam}
  - {instrument: call, completed: "1, 2", events: month_6, date: consented}
"""
CONTENTS = Contents(study(STUDY + RULES), dictionary(), grid())
EXPORT = """
record_id | redcap_event_name | redcap_repeat_instrument | redcap_repeat_instance | teeth | likes___1 | exam_complete | outcome | call_complete
7         | month_6_arm_2     |                          |                        | 20    | 1         | 2             |         |
7         | month_6_arm_2     | call                     | 3                      |       |           |               | 1       | 1
8         | month_6_arm_2     |                          |                        |       |           |               |         |
8         | baseline_arm_1    |                          |                        | 20    |           | 2             |         |
"""


def forms() -> list[Form]:
    return list(CONTENTS.forms(rows(EXPORT)))


def test_every_form_that_somebody_saved_where_it_belongs_is_read() -> None:
    assert [(form.place, form.status, form.repeats) for form in forms()] == [
        (Place("7", "month_6_arm_2", "exam", ""), "2", False),
        (Place("7", "month_6_arm_2", "call", "3"), "1", True),
    ]


def test_an_export_has_the_forms_fields_and_those_that_rules_name() -> None:
    assert {"teeth", "likes", "exam_complete", "outcome", "call_complete", "consented"} <= CONTENTS.fields
    assert not {"record_id", "colour"} & CONTENTS.fields


def content(**cells: str) -> str:
    return CONTENTS.of({"teeth": "20", "exam_complete": "2", **cells}, "exam")


@pytest.mark.parametrize(
    "cells", [{"likes___1": "0"}, {"remark": ""}, {"record_id": "9"}, {"colour": "2"}, {"outcome": "1"}]
)
def test_boxes_that_nobody_ticked_and_other_forms_change_nothing(cells: dict[str, str]) -> None:
    assert content(**cells) == content()


@pytest.mark.parametrize(
    "cells", [{"teeth": "0"}, {"likes___1": "1"}, {"exam_complete": "1"}, {"remark": "x"}]
)
def test_whatever_else_changes_is_another_content(cells: dict[str, str]) -> None:
    assert content(**cells) != content()


def test_what_runs_write_is_no_content() -> None:
    writing = STUDY + RULES + "eligibility: {write: {status: remark}}\n"
    contents = Contents(study(writing), dictionary(), grid())

    assert contents.of({"remark": "eligible"}, "exam") == contents.of({}, "exam")


def test_a_rule_wants_a_form_in_its_statuses_only() -> None:
    exam, call = forms()
    unfinished = Form(exam.place, "1", exam.repeats, exam.content, {**exam.row, "exam_complete": "1"})

    assert [CONTENTS.is_wanted(form) for form in (exam, call, unfinished)] == [True, True, False]


def test_a_trigger_is_made_as_redcap_would_send_it() -> None:
    exam, call = (
        made_trigger(form, base_url="https://redcap.test/", version="15.2.1", project_id=14)
        for form in forms()
    )

    assert call == {
        "redcap_url": "https://redcap.test/",
        "project_url": "https://redcap.test/redcap_v15.2.1/index.php?pid=14",
        "project_id": "14",
        "record": "7",
        "redcap_event_name": "month_6_arm_2",
        "instrument": "call",
        "call_complete": "1",
        "redcap_repeat_instance": "3",
        "redcap_repeat_instrument": "call",
    }
    assert not {"redcap_repeat_instance", "redcap_repeat_instrument"} & exam.keys()


def test_what_a_form_holds_does_not_show_where_it_is_printed() -> None:
    (form, *_) = CONTENTS.forms(rows(EXPORT.replace("7 ", "xrecordx").replace("20", "xvaluex")))

    assert "xvaluex" in form.content
    assert "xvaluex" not in repr(form)
    assert "xrecordx" not in repr(form)
