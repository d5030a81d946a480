"""Which visits participants have, and what comes of odd data."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from capstan.errors import LogicError, StudyError
from capstan.visits import VISIT_COLUMNS, compute_visits
from tests.unit.visit_cases import LAYOUT, NOW, VISITS, baseline, follow_up, frame_of, study_of


def computed(*rows: dict[str, str], now: datetime = NOW, **parts: object) -> dict[tuple[str, str], str]:
    """Status by record and event."""
    visits = compute_visits(study_of(**parts), frame_of(*rows), layout=LAYOUT, now=now)
    assert tuple(visits.columns) == VISIT_COLUMNS
    return {(row["record"], row["event"]): row["status"] for row in visits.to_dict("records")}


def test_a_participant_without_an_arm_has_no_visits() -> None:
    visits = computed(baseline("1"), baseline("2", color="9", rand_date="2026-01-01"))

    assert visits == {}


def test_the_assigned_arm_decides_and_not_the_rows_that_are_there() -> None:
    wrong = follow_up("1", "6_month_arm_3", exam_complete="2", color="3")

    visits = computed(baseline("1", color="2", rand_date="2026-01-05"), wrong)

    assert visits == {("1", "6_month_arm_2"): "due", ("1", "12_month_arm_2"): "upcoming"}


def test_a_repeating_row_assigns_no_arm() -> None:
    repeated = baseline("1", color="2", redcap_repeat_instrument="info", redcap_repeat_instance="1")

    assert computed(baseline("1", rand_date="2026-01-05"), repeated) == {}


def test_an_exam_on_a_repeating_row_does_not_complete_the_visit() -> None:
    event = "6_month_arm_2"
    row = follow_up(
        "1", event, exam_complete="2", redcap_repeat_instrument="exam", redcap_repeat_instance="1"
    )

    visits = computed(row, baseline("1", color="2", rand_date="2026-01-05"), follow_up("1", event))

    assert visits["1", event] == "due"


def test_codes_can_be_mapped_to_arms_and_named_like_them() -> None:
    arms = {"assigned_by": {"event": "baseline_arm_1", "field": "color", "arms": {"R": 2}}}
    rows = [baseline("1", color="R", rand_date="2026-01-05"), baseline("2", color="GREEN")]

    assert {event for _, event in computed(*rows, arms=arms)} == {
        "6_month_arm_2",
        "12_month_arm_2",
        "6_month_arm_3",
        "12_month_arm_3",
    }


@pytest.mark.parametrize("anchor", ["", "01/05/2026", "unknown", "9999-12-31", "1111-11-11"])
def test_a_visit_without_a_usable_anchor_is_not_scheduled(anchor: str) -> None:
    visits = compute_visits(
        study_of(), frame_of(baseline("1", color="2", rand_date=anchor)), layout=LAYOUT, now=NOW
    )

    assert visits["status"].tolist() == ["not scheduled"] * 2
    assert (visits[["due", "opens", "closes"]] == "").all(axis=None)


def test_a_finished_exam_completes_a_visit_without_an_anchor() -> None:
    visits = computed(baseline("1", color="2"), follow_up("1", "6_month_arm_2", exam_complete="2"))

    assert visits["1", "6_month_arm_2"] == "complete"


def test_a_visit_without_data_is_not_complete_whatever_its_rule_says_of_blanks() -> None:
    visit = VISITS[0] | {"done_when": "[exam_date] = ''"}

    visits = computed(
        baseline("1", color="2", rand_date="2026-01-05"),
        baseline("2", color="2", rand_date="2026-01-05"),
        follow_up("2", "6_month_arm_2"),
        visits=[visit],
    )

    assert visits == {("1", "6_month_arm_2"): "due", ("2", "6_month_arm_2"): "complete"}


def test_an_anchor_may_look_back_from_an_event_that_has_no_data_yet() -> None:
    later = VISITS[1] | {"anchor": "[previous-event-name][exam_date]", "after": "6 months"}
    frame = frame_of(baseline("1", color="3"), follow_up("1", "6_month_arm_3", exam_date="2026-02-01"))

    visits = compute_visits(study_of(visits=[later]), frame, layout=LAYOUT, now=NOW)

    assert visits.loc[0, "due"] == "2026-08-01"


def test_today_is_the_day_in_the_zone_of_the_study() -> None:
    row = baseline("1", color="2", rand_date="2026-01-05")
    late = datetime(2026, 7, 6, 3, 0, tzinfo=UTC)

    here = computed(row, now=late)
    there = computed(row, now=late, timezone="Europe/Vienna")

    assert here["1", "6_month_arm_2"] == "due"
    assert there["1", "6_month_arm_2"] == "overdue"


def test_visits_come_in_the_order_of_the_records_and_of_the_study() -> None:
    rows = [baseline(record, color="2", rand_date="2026-01-05") for record in ("10", "9", "101")]

    visits = compute_visits(study_of(), frame_of(*rows), layout=LAYOUT, now=NOW)

    assert visits["record"].tolist() == ["10", "10", "9", "9", "101", "101"]
    assert visits["visit"].tolist() == ["6 month", "12 month"] * 3


def test_a_whole_event_name_is_for_the_participants_of_its_arm() -> None:
    visit = VISITS[0] | {"event": "6_month_arm_3"}
    rows = [baseline("1", color="2"), baseline("2", color="3"), baseline("3")]

    assert set(computed(*rows, visits=[visit])) == {("2", "6_month_arm_3")}


def test_an_event_of_a_shared_arm_is_for_everybody() -> None:
    visit = VISITS[0] | {"event": "baseline", "anchor": "[rand_date]", "done_when": "[age] <> ''"}

    visits = computed(baseline("1"), baseline("2", color="3", age="4"), visits=[visit])

    assert visits == {("1", "baseline_arm_1"): "not scheduled", ("2", "baseline_arm_1"): "complete"}


def test_without_an_assigning_field_an_event_of_a_single_arm_is_for_everybody() -> None:
    visit = VISITS[0] | {"event": "6_month_arm_2"}

    assert set(computed(baseline("1"), visits=[visit], arms={})) == {("1", "6_month_arm_2")}


@pytest.mark.parametrize(
    ("event", "arms", "words"),
    [
        ("9_month", {}, "the project has no event '9_month'"),
        ("6_month", {"arms": {"shared": [1]}}, "nothing says which is a participant's"),
    ],
)
def test_an_event_that_cannot_be_found_is_named_with_its_place(
    event: str, arms: dict[str, object], words: str
) -> None:
    study = study_of(visits=[VISITS[0], VISITS[1] | {"name": "odd", "event": event}][1:], **arms)

    with pytest.raises(StudyError, match=rf"^visits\[0\]\.event: .*{words}"):
        compute_visits(study, frame_of(baseline("1")), layout=LAYOUT, now=NOW)


def test_logic_that_names_an_unknown_field_raises() -> None:
    visit = VISITS[0] | {"anchor": "[baseline_arm_1][rand_day]"}

    with pytest.raises(LogicError, match="rand_day"):
        computed(baseline("1", color="2"), visits=[visit])


def test_nobody_and_nothing_have_no_visits() -> None:
    assert computed() == {}
    assert computed(baseline("1", color="2"), visits=[]) == {}
