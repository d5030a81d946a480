"""What a study's page counts in an export: enrolment, the flow, visits and their windows, complete forms."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from capstan.logic import Layout
from capstan.study.page import Enrolment
from capstan.visits import VISIT_COLUMNS, compute_visits
from checks.identity import GROUP_COLUMN
from checks.overview.consort import consort_event, consort_panel
from checks.overview.enrolment import enrolment_event, enrolment_panel
from checks.overview.participants import Participants
from checks.overview.visit_panels import calendar_panel, overdue_panel, windows_panel
from tasks.pages.panels import read_panel, write_panel
from tests.unit.visit_cases import ARMS, EVENTS, LAYOUT, NOW, baseline, follow_up, frame_of, study_of

DATED = {"date": "[baseline_arm_1][rand_date]", "target": 100, "begins": "2026-01-05", "ends": "2026-04-15"}
CRITERIA = {
    "event": "baseline_arm_1",
    "criteria": [
        {"id": "age", "rule": "[age] >= 3", "reason": "too young"},
        {"id": "consent", "rule": "[consent(1)] = '1'", "reason": "no consent; none asked"},
    ],
}
EVERYWHERE = pd.Series(dtype="str")


def enrolment(frame: pd.DataFrame, *, layout: Layout = LAYOUT, **rules: Any) -> Any:
    study = study_of(page={"enrolment": rules})
    asked = Participants(frame, layout, events={enrolment_event(study)}, now=NOW)
    return enrolment_panel(study, asked, now=NOW)


def flow(frame: pd.DataFrame, **parts: Any) -> list[list[Any]]:
    study = study_of(**parts)
    by = study.arms.assigned_by
    events = {consort_event(study), by.event if by else ""}
    asked = Participants(frame, LAYOUT, events=events, now=NOW)
    return consort_panel(study, asked, layout=LAYOUT, now=NOW).table.to_numpy().tolist()


def test_the_enrolled_stand_in_the_week_of_their_day_at_their_site() -> None:
    rows = [baseline(str(n), color="2", rand_date=day) for n, day in enumerate(["2026-01-05", "2026-01-11"])]
    frame = frame_of(*rows, baseline("9", color="", rand_date="2026-01-06")).assign(
        **{GROUP_COLUMN: "seattle"}
    )

    table = enrolment(frame, date="[rand_date]").table

    assert table[table["enrolled"] > 0].iloc[:, :3].to_numpy().tolist() == [["2026-01-05", "seattle", 2]]


def test_a_target_grows_evenly_and_is_said_of_each_week_without_anybody_too() -> None:
    table = enrolment(frame_of(baseline("1", color="2", rand_date="2026-01-20")), **DATED).table

    by_week = table.set_index("week")
    assert by_week.loc["2026-01-05", ["enrolled", "target"]].tolist() == [0, 6]
    assert by_week.loc["2026-01-19", ["enrolled", "target"]].tolist() == [1, 20]


def test_who_has_no_day_or_one_to_come_is_enrolled_in_no_week() -> None:
    rows = [baseline("1", color="2", rand_date=""), baseline("2", color="2", rand_date="2199-01-01")]

    panel = enrolment(frame_of(*rows), date="[rand_date]")

    assert panel.table.iloc[:, :3].to_numpy().tolist() == [["no date", "", 2]]
    assert panel.says == "2 participants are enrolled."
    assert panel.note.startswith("2 of them have no date")


@pytest.mark.parametrize(
    "rules",
    [
        {"begins": "2026-01-01"},
        {"begins": "2026-01-01", "ends": "2026-02-01"},
        {"target": 5, "begins": "2026-02-01", "ends": "2026-01-01"},
        {"points": [["2026-02-01", 5], ["2026-01-01", 9]]},
        {"points": [["2026-01-01", 9], ["2026-02-01", 5]]},
        {"target": 9, "begins": "2026-01-01", "ends": "2026-02-01", "points": [["2026-01-01", 9]]},
    ],
)
def test_a_target_that_cannot_be_drawn_is_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Enrolment.model_validate(rules)


def test_an_empty_project_has_a_page_that_says_so() -> None:
    panel = enrolment(frame_of().reindex(columns=frame_of(baseline("1")).columns), **DATED)

    assert panel.says == "Nobody is enrolled yet."
    assert panel.table["enrolled"].sum() == 0


def test_the_flow_gives_each_participant_one_reason_and_the_arms_their_names() -> None:
    met = {"age": "4", "consent___1": "1"}
    frame = frame_of(
        baseline("1", **met, color="2"),
        baseline("2", **met, color=""),
        baseline("3", age="1", consent___1="0"),
        baseline("4", age="", consent___1="0"),
        baseline("5", age="", consent___1="1"),
    )

    assert flow(frame, eligibility=CRITERIA) == [
        ["Screened", "", 5],
        ["Excluded", "no consent; none asked", 1],
        ["Excluded", "not judged yet: values are missing", 1],
        ["Excluded", "too young", 1],
        ["Eligible", "", 2],
        ["Not randomized", "not randomized yet", 1],
        ["Randomized", "", 1],
        ["arm", ARMS["2"], 1],
    ]


def test_a_study_may_say_the_flow_in_logic_of_its_own() -> None:
    consort = {
        "screened_when": "[age] <> ''",
        "eligible_when": "[age] > 3",
        "excluded": [{"when": "[age] = 1", "reason": "infant"}],
        "not_randomized": [{"when": "[consent(1)] = '0'", "reason": "declined"}],
        "arms": {"2": "Crimson"},
    }
    rows = [baseline("1", age="1"), baseline("2", age="2"), baseline("3", age="5", consent___1="0")]
    rows += [baseline("4", age="5", color="2"), baseline("5", age="")]

    assert flow(frame_of(*rows), page={"consort": consort}) == [
        ["Screened", "", 4],
        ["Excluded", "another reason", 1],
        ["Excluded", "infant", 1],
        ["Eligible", "", 2],
        ["Not randomized", "declined", 1],
        ["Randomized", "", 1],
        ["arm", "Crimson", 1],
    ]


def test_visits_to_come_are_counted_by_week_site_and_status() -> None:
    rows = [("1", "2026-12-02", "due"), ("2", "2026-12-06", "due"), ("3", "2026-12-01", "missed")]
    told = [(record, "6 month", "e", day, day, day, status) for record, day, status in rows]
    visits = pd.DataFrame(told, columns=list(VISIT_COLUMNS), dtype="str")

    table = calendar_panel(visits, sites=pd.Series({"1": "a", "2": "a", "3": "a"})).table

    assert table.to_numpy().tolist() == [["2026-11-30", "a", "due", 2]]


@pytest.mark.parametrize(
    ("day", "placing"),
    [
        ("2025-06-16", "early"),
        ("2025-06-17", "in window"),
        ("2025-07-31", "in window"),
        ("2025-08-01", "late"),
        ("", "missed"),
    ],
)
def test_a_visit_is_placed_by_the_day_on_which_it_took_place(day: str, placing: str) -> None:
    event = EVENTS[1][0]
    frame = frame_of(baseline("1", color="2", rand_date="2025-01-01"), follow_up("1", event, exam_date=day))
    study = study_of()
    first = study.visits[0].model_copy(update={"took_place": "exam_date"})
    study = study.model_copy(update={"visits": (first,)})
    visits = compute_visits(study, frame, layout=LAYOUT, now=NOW)

    table = windows_panel(study, visits, frame=frame, sites=EVERYWHERE, record_field="record_id").table

    assert table.to_numpy().tolist() == [[first.name, "", placing, 1]]


def test_a_panel_is_kept_as_it_was_counted() -> None:
    panel = enrolment(frame_of(baseline("1", color="2", rand_date="2026-01-20")), date="[rand_date]")

    kept = read_panel(write_panel(panel))

    pd.testing.assert_frame_equal(kept.table, panel.table)
    assert (kept.id, kept.title, kept.says, kept.note) == (panel.id, panel.title, panel.says, panel.note)


def test_overdue_visits_are_named_with_their_day() -> None:
    told = [("7", "6 month", "e", "2026-01-02", "2026-01-01", "2026-03-01", "overdue")]
    visits = pd.DataFrame(told, columns=list(VISIT_COLUMNS), dtype="str")

    table = overdue_panel(visits, sites=EVERYWHERE).table

    assert table.to_numpy().tolist() == [["7", "6 month", date(2026, 1, 2).isoformat(), ""]]
