"""Tables: what a period does to a day, and how a visit stands on each side of each border."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from capstan.periods import Period
from capstan.visits import compute_visits
from tests.unit.visit_cases import LAYOUT, VISITS, baseline, follow_up, frame_of, study_of

SHIFTS = """
2025-08-31 | 6 months        | 2026-02-28
2023-08-31 | 6 months        | 2024-02-29
2024-02-29 | 12 months       | 2025-02-28
2024-02-29 | 4 years         | 2028-02-29
2024-12-31 | 2 months        | 2025-02-28
2025-03-31 | -1 month        | 2025-02-28
2024-03-31 | -1 month        | 2024-02-29
2025-01-15 | -14d            | 2025-01-01
2025-01-15 | +30d            | 2025-02-14
2025-01-15 | 180 days        | 2025-07-14
2025-01-15 | 1 year 2 weeks  | 2026-01-29
2025-01-15 | 2w              | 2025-01-29
2025-01-15 | 0d              | 2025-01-15
2025-01-31 | 1 month -1 day  | 2025-02-27
2025-01-31 | -1 year 2 weeks | 2024-01-17
"""

# The anchor is 2026-01-05, so the 6 month visit is due on 2026-07-05, from 06-21 to 08-04.
STATUSES = """
2026-06-20 |   | upcoming
2026-06-21 |   | due
2026-07-05 |   | due
2026-07-06 |   | overdue
2026-08-04 |   | overdue
2026-08-05 |   | missed
2026-06-20 | 2 | complete
2026-08-05 | 2 | complete
2026-07-05 | 1 | due
2026-07-05 | 0 | due
"""

# Without a holiday list: 2026-07-04 is a Saturday, 2026-07-05 a Sunday.
MOVES = """
2026-01-04 | never               | -14d | +30d | 2026-07-04
2026-01-04 | next workday     | -14d | +30d | 2026-07-06
2026-01-04 | previous workday | -14d | +30d | 2026-07-03
2026-01-04 | nearest workday  | -14d | +30d | 2026-07-03
2026-01-05 | nearest workday  | -14d | +30d | 2026-07-06
2026-01-05 | next workday     | -14d | 0d   | 2026-07-05
2026-01-05 | previous workday | 0d   | +30d | 2026-07-05
2026-01-05 | next workday     | 0d   | 0d   | 2026-07-06
2026-01-06 | next workday     | -14d | +30d | 2026-07-06
"""


def table(text: str) -> list[list[str]]:
    """The cells of a table between bars."""
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


@pytest.mark.parametrize(("day", "period", "reached"), table(SHIFTS))
def test_a_period_moves_a_day_by_the_calendar(day: str, period: str, reached: str) -> None:
    moved = Period.parse(period).shift(np.array([day, "NaT"], dtype="datetime64[D]"))

    assert [str(one) for one in moved] == [reached, "NaT"]


@pytest.mark.parametrize(("today", "status", "word"), table(STATUSES))
def test_a_visit_stands_as_the_day_and_its_exam_say(today: str, status: str, word: str) -> None:
    frame = frame_of(
        baseline("1", color="2", rand_date="2026-01-05"),
        follow_up("1", "6_month_arm_2", exam_complete=status, exam_date="2026-06-30"),
    )
    noon = datetime.fromisoformat(f"{today}T19:00:00").replace(tzinfo=UTC)

    visits = compute_visits(study_of(visits=VISITS[:1]), frame, layout=LAYOUT, now=noon)

    assert visits.loc[0].to_list()[2:] == ["6_month_arm_2", "2026-07-05", "2026-06-21", "2026-08-04", word]


@pytest.mark.parametrize(("anchor", "move", "opens", "closes", "due"), table(MOVES))
def test_a_due_date_moves_to_a_workday_inside_its_window(
    anchor: str, move: str, opens: str, closes: str, due: str
) -> None:
    visit = VISITS[0] | {"move": move, "window": [opens, closes]}
    frame = frame_of(baseline("1", color="2", rand_date=anchor))

    visits = compute_visits(
        study_of(visits=[visit]), frame, layout=LAYOUT, now=datetime(2026, 1, 1, tzinfo=UTC)
    )

    assert visits.loc[0, "due"] == due
    assert visits.loc[0, "opens"] <= due <= visits.loc[0, "closes"]
