"""What is made of a project once: its equations, and how the logic language sees it."""

from __future__ import annotations

from dataclasses import replace

from sandbox.data.equations import equations_of
from sandbox.project.field import Field
from sandbox.project.layout import layout_of
from sandbox.project.model import Project
from sandbox.project.parts import Arm, Event, Form

ID = Field("record_id", "form_1")
SUM = Field("sum", "form_1", field_type="calc", select_choices_or_calculations="[record_id] + 1")


def project(*fields: Field) -> Project:
    return Project(
        1,
        "Trial",
        longitudinal=False,
        arms=(Arm(1, "Arm 1"),),
        events=(Event(1, "Event 1", 1, "event_1_arm_1"),),
        forms=(Form("form_1", "Form 1"),),
        fields=fields,
    )


def test_a_project_is_read_for_its_logic_once() -> None:
    study = project(ID, SUM)

    assert equations_of(study) is equations_of(study)
    assert layout_of(study) is layout_of(study)


def test_a_changed_project_is_read_again() -> None:
    study = project(ID, SUM)
    before = [one.field.field_name for one in equations_of(study)], set(layout_of(study).form_of)
    changed = replace(study, fields=(ID,))
    after = [one.field.field_name for one in equations_of(changed)], set(layout_of(changed).form_of)

    assert before == (["sum"], {"record_id", "sum", "form_1_complete"})
    assert after == ([], {"record_id", "form_1_complete"})


def test_what_was_made_of_a_project_is_no_part_of_it() -> None:
    read, unread = project(ID, SUM), project(ID, SUM)
    equations_of(read)

    assert read == unread
