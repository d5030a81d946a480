"""The frame computation against a plain reference that judges record by record."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from capstan.visits import compute_visits
from tests.unit.visit_cases import EVENTS, LAYOUT, baseline, expected_visits, follow_up, frame_of, study_of

TODAY = date(2024, 2, 29)
DAYS = st.dates(TODAY - timedelta(days=500), TODAY + timedelta(days=60)).map(date.isoformat)
RECORDS = st.sampled_from(["1", "2", "3", "x 4"])
BASELINES = st.builds(
    lambda record, color, day: baseline(record, color=color, rand_date=day),
    RECORDS,
    st.sampled_from(["", "1", "2", "2", "3", "3", "4"]),
    st.one_of(DAYS, st.sampled_from(["", "02/29/2024", "2024-02-30"])),
)
FOLLOW_UPS = st.builds(
    lambda record, event, status: follow_up(record, event, exam_complete=status),
    RECORDS,
    st.sampled_from([name for name, *_ in EVENTS[1:]]),
    st.sampled_from(["", "0", "1", "2", "2"]),
)


def unique(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The first row of each record and event, as an export has them."""
    return list({(row["record_id"], row["redcap_event_name"]): row for row in reversed(rows)}.values())


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(BASELINES, FOLLOW_UPS), max_size=12))
def test_the_frame_agrees_with_the_reference(rows: list[dict[str, str]]) -> None:
    frame = frame_of(*unique(rows))
    now = datetime(2024, 2, 29, 20, 0, tzinfo=UTC)
    study = study_of(arms={"assigned_by": {"event": "baseline_arm_1", "field": "color"}})

    visits = compute_visits(study, frame, layout=LAYOUT, now=now)

    assert [tuple(row) for row in visits.to_numpy()] == expected_visits(frame, today=TODAY)
