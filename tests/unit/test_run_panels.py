"""The panels of a run's page: cells by field and event, what was stopped, and that nobody is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.events import Event, EventGrid
from capstan.overview import Panel
from capstan.plan import CELL_COLUMNS
from capstan.verdict import LINK, NO_VERDICTS, VERDICT_COLUMNS
from checks.overview.run_panels import run_panels
from checks.overview.run_stopped import EXAMPLES, examples_of
from checks.overview.run_story import BATCH_COLUMNS, OUTCOME_COLUMNS, ProjectNames, RunStory
from checks.overview.run_tally import UNKNOWN, tally_cells

PLANTED = "Mallory Planted"
DICTIONARY = Dictionary(
    (
        Field("record_id", "enrol", FieldType.TEXT),
        Field("weight", "enrol", FieldType.TEXT),
        Field("races", "enrol", FieldType.CHECKBOX, choices={"1": "A", "2": "B"}),
        Field("height", "exam", FieldType.TEXT),
    ),
    {"enrol": "Enrolment", "exam": "Exam"},
    {},
)
GRID = EventGrid(
    (Event("base", "Base", "1"), Event("later", "Later", "1")),
    {"1": "One"},
    frozenset({("base", "enrol"), ("later", "exam")}),
    frozenset(),
)
CLASSIC = EventGrid((), {}, frozenset({("", "enrol"), ("", "exam")}), frozenset())
NAMES = ProjectNames.of(DICTIONARY, grid=GRID)


def cells(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Cells of record 1: event, field, after."""
    told = [("1", event, "", "", field, "old", after) for event, field, after in rows]
    return pd.DataFrame(told, columns=list(CELL_COLUMNS), dtype="str")


def found(*rows: tuple[str, ...]) -> pd.DataFrame:
    """Verdicts: record, event, field, check, severity, reason."""
    told = [
        (record, event, "", "", field, check, severity, reason, "")
        for record, event, field, check, severity, reason in rows
    ]
    return pd.DataFrame(told, columns=[*VERDICT_COLUMNS, LINK], dtype="str")


def story(**changes: Any) -> RunStory:
    """A run of which nothing is known but what is given."""
    verdicts = changes.get("verdicts", NO_VERDICTS.assign(link="").astype("str"))
    values = {
        "said": "Done.",
        "facts": {"run": "20261122-101530-abc123"},
        "counts": {},
        "about": {},
        "outcomes": pd.DataFrame(columns=list(OUTCOME_COLUMNS), dtype="str"),
        "batches": pd.DataFrame(columns=list(BATCH_COLUMNS)),
        "verdicts": verdicts,
        "examples": examples_of(verdicts),
        "names": NAMES,
        "has_written": True,
    }
    return RunStory(**{**values, **changes})


def panels(given: RunStory) -> Mapping[str, Panel]:
    return {panel.id: panel for panel in run_panels(given)}


def rows(panel: Panel) -> list[tuple[Any, ...]]:
    return list(panel.table.itertuples(index=False, name=None))


def tally(
    *, given: pd.DataFrame | None = None, planned: pd.DataFrame, grid: EventGrid = GRID, **more: Any
) -> Any:
    return tally_cells(given, planned=planned, dictionary=DICTIONARY, grid=grid, **more)


def test_cells_are_counted_by_field_in_the_order_of_the_project_and_by_event() -> None:
    given = pd.DataFrame(
        {
            "record_id": ["1", "2", "3"],
            "redcap_event_name": ["base", "base", "later"],
            "height": ["", "", "170"],
            "weight": ["70", "80", ""],
        }
    )
    planned = cells(("later", "height", "170"), ("base", "weight", "70"))
    counted = tally(given=given, planned=planned)

    assert counted["fields"] == [["weight", "enrol", 1, 1, 0], ["height", "exam", 1, 0, 0]]
    assert counted["events"] == [["base", 1, 1, 0], ["later", 1, 0, 0]]


def test_checkboxes_count_as_their_field_and_what_erases_is_no_given_value() -> None:
    given = pd.DataFrame(
        {"record_id": ["1"], "redcap_event_name": ["base"], "races___1": ["1"], "weight": [""]}
    )
    planned = cells(("base", "races___1", "1"), ("base", "races___2", "1"), ("base", "weight", ""))

    assert tally(given=given, planned=planned)["fields"] == [
        ["weight", "enrol", 1, 0, 0],
        ["races", "enrol", 2, 0, 0],
    ]


def test_stopped_cells_are_neither_planned_nor_unchanged() -> None:
    given = pd.DataFrame({"record_id": ["1"], "redcap_event_name": ["base"], "weight": ["999"]})
    counted = tally(given=given, planned=cells(), stopped=cells(("base", "weight", "999")))

    assert counted["fields"] == [["weight", "enrol", 0, 0, 1]]


def test_a_name_that_the_project_does_not_have_is_not_kept() -> None:
    planned = cells((PLANTED, PLANTED, "1"), ("base", "weight", "1"))
    given = pd.DataFrame({"record_id": ["1"], "redcap_event_name": [PLANTED], PLANTED: ["1"]})
    counted = tally(given=given, planned=planned)

    assert PLANTED not in str(counted)
    assert counted["events"][-1][0] == counted["fields"][-1][0] == UNKNOWN


def test_a_project_without_events_has_no_panel_of_events() -> None:
    counted = tally(planned=cells(("", "weight", "1")), grid=CLASSIC)
    shown = panels(story(about={"cells": counted}))

    assert "run_events" not in shown
    assert rows(shown["run_fields"]) == [("weight", "enrol", 1, 0, 0, 0, 1)]


def test_written_cells_add_up_with_those_that_did_not_arrive() -> None:
    planned = cells(("base", "races___1", "1"), ("base", "races___2", "1"), ("base", "weight", "3"))
    outcomes = pd.DataFrame(
        [("races___1", "base", "written"), ("races___2", "base", "moved_on"), ("weight", "base", "written")],
        columns=list(OUTCOME_COLUMNS),
    )
    shown = panels(story(about={"cells": tally(planned=planned)}, outcomes=outcomes))

    assert rows(shown["run_fields"]) == [
        ("weight", "enrol", 1, 1, 0, 0, 0),
        ("races", "enrol", 2, 1, 0, 0, 1),
    ]
    assert shown["run_events"].says == "The cells of 1 event: 3 planned, 2 written, 1 not written."


def test_what_was_never_to_be_written_is_not_missing() -> None:
    about = {"cells": tally(planned=cells(("base", "weight", "1")))}
    shown = panels(story(about=about, has_written=False))

    assert rows(shown["run_fields"]) == [("weight", "enrol", 1, 0, 0, 0, 0)]


def test_checks_are_listed_from_the_gravest_with_what_they_mean() -> None:
    verdicts = found(
        ("1", "base", "weight", "overwrite_value", "warning", "w"),
        ("1", "base", "weight", "out_of_range", "error", "r"),
        ("2", "base", "weight", "out_of_range", "error", "r"),
        ("2", "base", "height", "out_of_range", "error", "r"),
    )
    shown = panels(story(verdicts=verdicts))["run_checks"].table

    assert list(shown["check"]) == ["out_of_range", "overwrite_value"]
    assert list(shown["rows"]) == [2, 1]
    assert (shown["means"] != "").all()


def test_each_check_has_some_examples() -> None:
    many = [(str(number), "base", "weight", "out_of_range", "error", "too high") for number in range(20)]
    verdicts = found(*many, ("1", "base", "weight", "row_refused", "error", "r"))
    shown = panels(story(verdicts=verdicts))["run_examples"].table

    assert list(shown["check"].value_counts()) == [EXAMPLES, 1]
    assert "participant" in shown.columns


def test_an_example_shows_no_word_that_the_project_does_not_have() -> None:
    verdicts = found(
        ("1", PLANTED, "weight", "out_of_range", "error", f"not in {PLANTED}"),
        ("2", "base", PLANTED, "out_of_range", "error", "r"),
    ).assign(instance=PLANTED, instrument=PLANTED)
    shown = panels(story(verdicts=verdicts))

    assert PLANTED not in shown["run_examples"].table.to_csv()
    assert PLANTED not in shown["run_checks"].table.to_csv()


@pytest.mark.parametrize("check", ["row_refused", "locked"])
def test_redcaps_own_words_are_replaced_because_they_may_quote_a_value(check: str) -> None:
    verdicts = found(("1", "base", "", check, "error", f"REDCap refused weight: {PLANTED}"))
    shown = panels(story(verdicts=verdicts))["run_examples"].table

    assert PLANTED not in shown.to_csv()
    assert shown["reason"].iloc[0] != ""


def test_what_the_gate_says_of_known_places_stands_as_it_is() -> None:
    verdicts = found(("1", "base", "weight", "out_of_range", "error", "Above 200."))

    assert panels(story(verdicts=verdicts))["run_examples"].table["reason"].iloc[0] == "Above 200."


def test_steps_versions_and_digests_are_told() -> None:
    about = {
        "steps": [["open project", 1, 0.4], ["export records", 3, 1.1]],
        "versions": {"Capstan": "0.1.0"},
        "digests": {"study file": "ab" * 32},
    }
    shown = panels(story(about=about))

    assert shown["run_steps"].says == "The steps took 1.5 seconds together."
    assert rows(shown["run_versions"]) == [("Capstan", "0.1.0")]
    assert rows(shown["run_digests"]) == [("study file", "ab" * 32)]


def test_a_run_of_which_little_is_known_has_little_to_show() -> None:
    assert list(panels(story())) == ["run"]
