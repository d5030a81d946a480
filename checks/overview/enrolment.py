"""Enrolment: who was enrolled in which week and where, against what was meant by then."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from capstan.overview import NO_DATE, Panel
from capstan.periods import Dates
from checks.overview.participants import Participants

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.page import Enrolment

_WEEK = np.timedelta64(7, "D")
_COLUMNS = ["week", "site", "enrolled", "target"]
# Longer ago or later than this from now is a slip of the keyboard, and no picture shows it.
_MOST_WEEKS = 1040


def enrolment_event(study: Study) -> str:
    """The event on which enrolment is asked; blank is a record's first row."""
    by = study.arms.assigned_by
    return study.page.enrolment.event or (by.event if by else "") or study.eligibility.event


def enrolment_panel(study: Study, participants: Participants, *, now: datetime) -> Panel:
    """Count those enrolled by the Monday of the week and by site; `target` is the whole study's, by its end.

    Who has no date stands in no week, but beneath: `NO_DATE`, without a target.
    """
    rules, event = study.page.enrolment, enrolment_event(study)
    enrolled = participants.hold(rules.enrolled_when or _is_enrolled(study), event=event)
    today = np.datetime64(now.astimezone(study.zone).date(), "D")
    days = participants.dates(rules.date or "''", event=event)
    dated = enrolled & ~np.isnat(days) & (days <= today) & (days > today - _MOST_WEEKS * _WEEK)
    counts = _by_week(days[dated], participants.sites[dated])
    undated = _undated(participants.sites[enrolled & ~dated])
    table = _with_target(counts, rules=rules, sites=participants.sites, today=today)
    said = _said(int(enrolled.sum()), rules=rules, today=today)
    note = _note(rules, enrolled=participants.sites[enrolled], undated=int((enrolled & ~dated).sum()))
    dated_table = table if rules.date else table.iloc[:0]
    parts = [part for part in (dated_table, undated) if len(part)]
    whole = pd.concat(parts, ignore_index=True) if parts else dated_table
    return Panel("enrolment", "Enrolment", said, whole, note)


def target_on(rules: Enrolment, days: Dates) -> pd.Series[float]:
    """How many are to be enrolled by each day; NaN where the study does not say."""
    if rules.points:
        known, counts = zip(*rules.points, strict=True)
    elif rules.begins and rules.ends:
        known, counts = (rules.begins, rules.ends), (0, rules.target or 0)
    else:
        return pd.Series(np.full(len(days), rules.target or np.nan, dtype="float64"))
    numbers = days.astype("datetime64[D]").astype("int64")
    return pd.Series(np.interp(numbers, np.array(known, dtype="datetime64[D]").astype("int64"), counts))


def _is_enrolled(study: Study) -> str:
    """Whoever has an arm; everybody where arms are not assigned."""
    by = study.arms.assigned_by
    if by is None:
        return ""
    return f"[{by.event}][{by.field}] <> ''" if by.event else f"[{by.field}] <> ''"


def _by_week(days: Dates, sites: np.ndarray) -> pd.DataFrame:
    # The first day of 1970 was a Thursday.
    mondays = days - (days.astype("int64") + 3) % 7 * np.timedelta64(1, "D")
    frame = pd.DataFrame({"week": mondays.astype("datetime64[s]"), "site": sites})
    return frame.groupby(["week", "site"], sort=True).size().rename("enrolled").reset_index()


def _with_target(
    counts: pd.DataFrame, *, rules: Enrolment, sites: np.ndarray, today: np.datetime64
) -> pd.DataFrame:
    """Add weeks in which nobody was enrolled, as one row, and the target."""
    known = [*map(pd.Timestamp, _ends(rules)), *counts["week"]]
    known += [pd.Timestamp(today)] if len(counts) else []
    if not known:
        return pd.DataFrame({name: [] for name in _COLUMNS})
    first, last = min(known).to_period("W").start_time, max(known)
    weeks = pd.date_range(first, last, freq="7D", unit="s")[:_MOST_WEEKS]
    empty = weeks[~weeks.isin(counts["week"])]
    anywhere = min(sites, default="")
    whole = pd.concat([counts, pd.DataFrame({"week": empty, "site": anywhere, "enrolled": 0})])
    whole = whole.sort_values(["week", "site"], kind="stable").reset_index(drop=True)
    ends = (whole["week"] + pd.Timedelta(days=6)).to_numpy().astype("datetime64[D]")
    whole = whole.assign(target=target_on(rules, ends).round(1), enrolled=whole["enrolled"].astype("int64"))
    return whole.assign(week=whole["week"].dt.strftime("%Y-%m-%d"))[_COLUMNS]


def _undated(sites: np.ndarray) -> pd.DataFrame:
    counts = pd.Series(sites, dtype="str").value_counts().sort_index()
    return pd.DataFrame(
        {"week": NO_DATE, "site": counts.index, "enrolled": counts.to_numpy(dtype="int64"), "target": np.nan}
    )


def _ends(rules: Enrolment) -> tuple[date, ...]:
    if rules.points:
        return (rules.points[0][0], rules.points[-1][0])
    return (rules.begins, rules.ends) if rules.begins and rules.ends else ()


def _said(enrolled: int, *, rules: Enrolment, today: np.datetime64) -> str:
    if not enrolled:
        return "Nobody is enrolled yet."
    whole = rules.points[-1][1] if rules.points else rules.target
    said = f"{enrolled:,} {'participant is' if enrolled == 1 else 'participants are'} enrolled"
    if whole is None:
        return f"{said}."
    if not _ends(rules):
        return f"{said}, of {whole:,} who are meant to be."
    by_now = float(target_on(rules, np.array([today])).iloc[0])
    return f"{said}, of {whole:,} in the end; {by_now:,.0f} were meant to be by now."


def _note(rules: Enrolment, *, enrolled: np.ndarray, undated: int) -> str:
    sites = [
        f"{site}: {int((enrolled == site).sum()):,} of {wanted:,}" for site, wanted in rules.sites.items()
    ]
    said = [f"By site: {'; '.join(sites)}."] if sites else []
    if not rules.date:
        said.append("The study file does not say when somebody was enrolled (page.enrolment.date).")
    elif undated:
        they = "has" if undated == 1 else "have"
        said.append(f"{undated:,} of them {they} no date of enrolment up to today, and stand in no week.")
    return " ".join(said)
