"""Two structures of a project are compared, and every kind of change is told by its own name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capstan.dictionary import STATUS_CHOICES, Dictionary, Field, FieldType
from capstan.events import Event, EventGrid
from capstan.structure import Structure
from checks.drift import judge_places
from checks.redesign import Kind, changes_between

AGE = Field("age", "start", FieldType.TEXT, "Age", validation="integer", minimum="0")
COLOUR = Field("colour", "start", FieldType.RADIO, "Colour", choices={"1": "Red", "2": "Green"})
STATUS = Field("start_complete", "start", FieldType.FORM_STATUS, choices=STATUS_CHOICES)
GRID = EventGrid(
    events=(Event("first_arm_1", "First", "1"), Event("second_arm_1", "Second", "1", "30")),
    arms={"1": "Everybody"},
    designated=frozenset({("first_arm_1", "start"), ("second_arm_1", "start")}),
    repeating=frozenset({("second_arm_1", "start")}),
)


def structure(*fields: Field, grid: EventGrid = GRID, version: str = "15.2.1") -> Structure:
    return Structure(
        Dictionary(fields or (AGE, COLOUR, STATUS), {"start": "Start", "end": "End"}), grid, version
    )


@pytest.mark.parametrize(
    ("now", "kinds"),
    [
        (structure(), []),
        (structure(replace(AGE, label="Years"), COLOUR, STATUS), [Kind.LABEL]),
        (structure(AGE, replace(COLOUR, choices={"1": "Rot", "2": "Green"}), STATUS), [Kind.LABEL]),
        (
            structure(AGE, replace(COLOUR, choices={"1": "Red", "2": "Green", "3": "Blue"}), STATUS),
            [Kind.NEW_CHOICE],
        ),
        (structure(AGE, replace(COLOUR, choices={"1": "Red"}), STATUS), [Kind.REMOVED_CHOICE]),
        (structure(AGE, STATUS), [Kind.REMOVED_FIELD]),
        (structure(AGE, COLOUR, STATUS, replace(AGE, name="height")), [Kind.NEW_FIELD]),
        (structure(replace(AGE, form="end"), COLOUR, STATUS), [Kind.MOVED_FIELD]),
        (structure(replace(AGE, validation="number"), COLOUR, STATUS), [Kind.OTHER_TYPE]),
        (structure(replace(AGE, minimum="3"), COLOUR, STATUS), [Kind.OTHER_TYPE]),
        (structure(replace(AGE, branching="[colour] = '1'"), COLOUR, STATUS), [Kind.LOGIC]),
        (structure(replace(AGE, form="end", label="x"), COLOUR, STATUS), [Kind.MOVED_FIELD, Kind.LABEL]),
        (structure(version="15.3.0"), [Kind.VERSION]),
        (structure(grid=replace(GRID, arms={"1": "All"})), [Kind.LABEL]),
        (structure(grid=replace(GRID, repeating=frozenset())), [Kind.OTHER_REPEATS]),
        (
            structure(grid=replace(GRID, designated=frozenset({("first_arm_1", "start")}))),
            [Kind.REMOVED_PLACE],
        ),
        (
            structure(grid=replace(GRID, designated=GRID.designated | {("first_arm_1", "end")})),
            [Kind.NEW_PLACE],
        ),
        (structure(grid=replace(GRID, events=GRID.events[:1])), [Kind.REMOVED_PLACE]),
    ],
)
def test_every_kind_of_change_is_told_apart(now: Structure, kinds: list[Kind]) -> None:
    assert [change.kind for change in changes_between(structure(), now)] == kinds


def test_a_structure_comes_back_from_its_text_as_it_was() -> None:
    kept = structure()

    assert Structure.from_text(kept.to_text()) == kept


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        (GRID, []),
        (replace(GRID, repeating=frozenset()), ["What repeats on the event second_arm_1 changed."]),
        (
            replace(GRID, designated=frozenset()),
            ["The form start was taken off the event second_arm_1."],
        ),
        (replace(GRID, designated=GRID.designated | {("first_arm_1", "end")}), []),
    ],
)
def test_a_place_that_a_plan_needs_is_missed_when_it_is_gone(grid: EventGrid, said: list[str]) -> None:
    found = judge_places([("second_arm_1", "start"), ("first_arm_1", "end")], then=GRID, now=grid)

    assert list(found["reason"]) == said
