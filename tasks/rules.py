"""Rules: the study's visit and eligibility rules, applied to an export; what comes back is wanted values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from capstan.eligibility import check_eligibility, wanted_eligibility
from capstan.logic import Table
from capstan.visits import compute_visits
from capstan.visits.writes import wanted_values
from tasks.connections import LiveProject
from tasks.drift import refuse_drift
from tasks.shield import effect, run_logger


@dataclass(frozen=True, eq=False)
class Wanted:
    """A keyed frame of wanted values, what was found on the way in counts, and visits (`VISIT_COLUMNS`)."""

    frame: pd.DataFrame
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    visits: pd.DataFrame = field(default_factory=pd.DataFrame)


@effect("compute visits")
def apply_visit_rules(live: LiveProject, *, export: pd.DataFrame, now: datetime) -> Wanted:
    """Compute every participant's visits; counts are visits by status."""
    refuse_drift(live, export)
    visits = compute_visits(live.study, export, layout=live.layout, now=now)
    wanted = wanted_values(live.study, visits, frame=export, layout=live.layout, now=now)
    counts = _counted(visits["status"])
    run_logger().info("visits by status: %s", counts)
    return Wanted(wanted, {"visits": counts}, visits)


@effect("judge eligibility")
def apply_eligibility_rules(live: LiveProject, *, export: pd.DataFrame, now: datetime) -> Wanted:
    """Judge every participant's eligibility; counts are participants by status, and per criterion."""
    refuse_drift(live, export)
    result = check_eligibility(live.study, Table(export, live.layout), now=now)
    wanted = wanted_eligibility(live.study, result, layout=live.layout)
    counts = {"eligibility": _counted(result.participants["status"])}
    for row in result.criteria.to_dict("records"):
        counts[f"criterion {row['criterion']}"] = {
            name: int(row[name]) for name in ("met", "not_met", "undetermined")
        }
    run_logger().info("eligibility: %s", counts)
    return Wanted(wanted, counts)


def _counted(words: pd.Series) -> dict[str, int]:
    return {str(word): int(count) for word, count in words.value_counts().items()}
