"""Compares visit computation over frames with a plain loop over records, in one run.

python -m benchmarks.visits_frames [participants]
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from time import perf_counter

import numpy as np
import pandas as pd

from capstan.eligibility import check_eligibility
from capstan.logic import Table
from capstan.visits import compute_visits
from capstan.visits.writes import wanted_values
from tests.unit.visit_cases import COLUMNS, LAYOUT, VISITS, expected_visits, study_of

NOW = datetime(2026, 7, 1, 19, 0, tzinfo=UTC)
REFERENCE_PARTICIPANTS = 20_000


def make_frame(participants: int) -> pd.DataFrame:
    """Invent an export: a baseline row for everybody, exams for half of both follow-up events."""
    random = np.random.default_rng(20260701)
    record = np.array([str(number) for number in range(1, participants + 1)], dtype=object)
    color = random.choice(np.array(["", "2", "3"], dtype=object), participants, p=[0.1, 0.45, 0.45])
    ago = random.integers(0, 500, participants).astype("timedelta64[D]")
    day = np.datetime_as_string(np.datetime64("2026-07-01", "D") - ago).astype(object)
    parts = [_rows(record, "baseline_arm_1", color=color, rand_date=day, age="4", consent___1="1")]
    for months in (6, 12):
        chosen = (color != "") & (random.random(participants) < 0.5)
        event = f"{months}_month_arm_" + color[chosen]
        status = random.choice(np.array(["0", "1", "2"], dtype=object), int(chosen.sum()))
        parts.append(_rows(record[chosen], event, exam_complete=status))
    return pd.concat(parts, ignore_index=True).astype("str")


def _rows(record: object, event: object, **values: object) -> pd.DataFrame:
    frame = pd.DataFrame({"record_id": record, "redcap_event_name": event, **values})
    return frame.reindex(columns=list(COLUMNS), fill_value="")


def main(arguments: list[str]) -> int:
    """Print seconds and rates; 1 when frame and loop disagree."""
    participants = int(arguments[0]) if arguments else 100_000
    visits = [part | {"name": f"{part['name']} {number}"} for number in (1, 2) for part in VISITS]
    study = study_of(
        visits=visits,
        eligibility={
            "event": "baseline_arm_1",
            "criteria": [{"id": "age", "rule": "[age] >= 3 and [age] <= 6", "reason": "age"}],
        },
    )
    frame = make_frame(participants)
    started = perf_counter()
    found = compute_visits(study, frame, layout=LAYOUT, now=NOW)
    computed = perf_counter()
    wanted = wanted_values(study, found, frame=frame, layout=LAYOUT, now=NOW)
    written = perf_counter()
    check_eligibility(study, Table(frame, LAYOUT), now=NOW)
    judged = perf_counter()
    rate = len(found) / (computed - started)
    _say(f"{participants:,} participants, {len(frame):,} rows, {len(found):,} visits")
    _say_rate("compute_visits", count=len(found), seconds=computed - started)
    _say_rate("wanted_values", count=len(wanted), seconds=written - computed)
    _say_rate("check_eligibility", count=participants, seconds=judged - written)
    return _compare(rate)


def _compare(rate: float) -> int:
    frame = make_frame(REFERENCE_PARTICIPANTS)
    started = perf_counter()
    expected = expected_visits(frame, today=NOW.date())
    reference = len(expected) / (perf_counter() - started)
    found = compute_visits(study_of(), frame, layout=LAYOUT, now=NOW)
    agrees = [tuple(row) for row in found.to_numpy()] == expected
    _say(f"plain loop         {reference:12,.0f} visits/s ({REFERENCE_PARTICIPANTS:,} participants)")
    _say(f"ratio              {rate / reference:12,.1f} x; both agree: {'yes' if agrees else 'NO'}")
    return 0 if agrees else 1


def _say_rate(name: str, *, count: int, seconds: float) -> None:
    _say(f"{name:18} {seconds:6.2f} s   {count / seconds:12,.0f} rows/s")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
