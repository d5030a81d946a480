"""What is written back about visits, and that a second run writes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from capstan.errors import StudyError
from capstan.logic import Layout
from capstan.plan import KEY_NAMES, compare
from capstan.visits import compute_visits
from capstan.visits.writes import wanted_values
from tests.unit.visit_cases import LAYOUT, NOW, VISITS, baseline, follow_up, frame_of, study_of

PARTICIPANT = baseline("1", color="2", rand_date="2026-01-05")


def wanted(
    frame: pd.DataFrame, *, layout: Layout = LAYOUT, now: datetime = NOW, **parts: object
) -> pd.DataFrame:
    study = study_of(**parts)
    visits = compute_visits(study, frame, layout=layout, now=now)
    return wanted_values(study, visits, frame=frame, layout=layout, now=now)


def changes(frame: pd.DataFrame, *, now: datetime = NOW, **parts: object) -> dict[tuple[str, ...], str]:
    """What would be written, by record, event and field."""
    cells = compare(wanted(frame, now=now, **parts), present=frame, record_field="record_id")
    keys = zip(cells["record"], cells["event"], cells["field"], strict=True)
    return dict(zip(keys, cells["after"], strict=True))


def written(frame: pd.DataFrame, values: dict[tuple[str, ...], str]) -> pd.DataFrame:
    """The export after the values were written."""
    rows = {(row["record_id"], row["redcap_event_name"]): row for row in frame.to_dict("records")}
    for (record, event, field), value in values.items():
        rows.setdefault((record, event), follow_up(record, event))[field] = value
    return frame_of(*rows.values())


def test_every_value_goes_to_its_event_as_code_or_iso_date() -> None:
    assert changes(frame_of(PARTICIPANT)) == {
        ("1", "6_month_arm_2", "due"): "2026-07-05",
        ("1", "6_month_arm_2", "opens"): "2026-06-21",
        ("1", "6_month_arm_2", "closes"): "2026-08-04",
        ("1", "6_month_arm_2", "state"): "3",
        ("1", "12_month_arm_2", "due"): "2027-01-05",
        ("1", "12_month_arm_2", "opens"): "2026-12-06",
        ("1", "12_month_arm_2", "closes"): "2027-03-06",
        ("1", "12_month_arm_2", "state"): "2",
        ("1", "baseline_arm_1", "pending"): "6 month",
        ("1", "baseline_arm_1", "stamp"): "2026-07-01 05:00",
    }


def test_a_second_run_writes_nothing_even_later_that_day() -> None:
    frame = frame_of(PARTICIPANT, baseline("2"), baseline("3", color="3"))

    once = written(frame, changes(frame))

    assert changes(once, now=NOW + timedelta(hours=3)) == {}


def test_the_timestamp_is_new_only_for_participants_of_whom_something_changes() -> None:
    frame = frame_of(PARTICIPANT, baseline("2", color="3", rand_date="2026-06-30"))
    once = written(frame, changes(frame))
    tomorrow = datetime(2026, 7, 6, 12, 0, tzinfo=UTC)

    again = changes(once, now=tomorrow)

    assert again == {
        ("1", "6_month_arm_2", "state"): "4",
        ("1", "baseline_arm_1", "stamp"): "2026-07-06 05:00",
    }


def test_the_frame_is_keyed_text_with_unique_keys() -> None:
    frame = wanted(frame_of(PARTICIPANT, baseline("2", color="3")))

    assert tuple(frame.columns[:4]) == ("record_id", *KEY_NAMES)
    assert not frame.duplicated(["record_id", *KEY_NAMES]).any()
    assert not frame.isna().any(axis=None)
    assert set(frame.dtypes.astype(str)) == {"str"}


def test_without_anything_ahead_the_pending_visit_is_none() -> None:
    done = [follow_up("1", event, exam_complete="2") for event in ("6_month_arm_2", "12_month_arm_2")]

    values = changes(frame_of(PARTICIPANT, *done))

    assert values["1", "baseline_arm_1", "pending"] == "none"


def test_a_participant_who_has_no_arm_is_left_alone() -> None:
    assert changes(frame_of(baseline("1", rand_date="2026-01-05"))) == {}


def test_a_pending_visit_that_is_no_longer_expected_is_taken_back() -> None:
    values = changes(frame_of(baseline("1", pending="6 month")))

    assert values["1", "baseline_arm_1", "pending"] == "none"


def test_a_participant_without_the_tracking_event_gets_no_summary() -> None:
    tracking = {"event": "6_month", "pending_visit": "pending"}

    values = changes(frame_of(PARTICIPANT, baseline("2", pending="6 month")), tracking=tracking)

    assert {key for key in values if key[2] == "pending"} == {("1", "6_month_arm_2", "pending")}


def test_a_code_equal_to_the_word_goes_before_a_label() -> None:
    layout = Layout(
        **(vars(LAYOUT) | {"choices": {"state": {"1": "due", "due": "Now", "upcoming": "Later"}}})
    )

    frame = wanted(frame_of(PARTICIPANT), layout=layout)

    assert frame["state"].tolist() == ["due", "upcoming", ""]


def test_the_earliest_visit_is_pending_whatever_the_order_in_the_study() -> None:
    values = changes(frame_of(PARTICIPANT), visits=[VISITS[1], VISITS[0]])

    assert values["1", "baseline_arm_1", "pending"] == "6 month"


def test_a_status_goes_into_a_text_field_as_its_word() -> None:
    visit = VISITS[0] | {"write": {"status": "verdict"}}

    values = changes(frame_of(PARTICIPANT), visits=[visit], tracking={})

    assert values == {("1", "6_month_arm_2", "verdict"): "due"}


def test_a_word_without_a_choice_is_named_with_its_field() -> None:
    layout = Layout(**(vars(LAYOUT) | {"choices": {"state": {"1": "Soon"}}}))

    with pytest.raises(StudyError, match='The field state has no choice "due"'):
        wanted(frame_of(PARTICIPANT), layout=layout)


@pytest.mark.parametrize(
    ("validation", "stamp"),
    [
        ("datetime_seconds_ymd", "2026-07-01 05:00:00"),
        ("datetime_mdy", "2026-07-01 05:00"),
        ("date_dmy", "2026-07-01"),
        ("", "2026-07-01 05:00:00"),
    ],
)
def test_the_timestamp_is_as_long_as_its_field_asks(validation: str, stamp: str) -> None:
    layout = Layout(**(vars(LAYOUT) | {"validation": {"stamp": validation}}))

    frame = wanted(frame_of(PARTICIPANT), layout=layout)

    assert frame.loc[frame["redcap_event_name"] == "baseline_arm_1", "stamp"].tolist() == [stamp]


def test_two_visits_on_one_event_share_a_row() -> None:
    late = VISITS[0] | {"name": "late", "write": {"due": "reasons"}}
    early = VISITS[0] | {"write": {"due": "due"}}

    frame = wanted(frame_of(PARTICIPANT), visits=[early, late], tracking={})

    assert frame[["redcap_event_name", "due", "reasons"]].to_numpy().tolist() == [
        ["6_month_arm_2", "2026-07-05", "2026-07-05"]
    ]


def test_a_study_that_writes_nothing_wants_nothing() -> None:
    visit = VISITS[0] | {"write": {}}

    assert changes(frame_of(PARTICIPANT), visits=[visit], tracking={}) == {}
