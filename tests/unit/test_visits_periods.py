"""Periods as text, and dates as text."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from capstan.periods import Period, read_dates, write_dates

AMOUNTS = st.integers(-999, 999)
PERIODS = st.builds(Period, years=st.integers(-99, 99), months=AMOUNTS, weeks=AMOUNTS, days=AMOUNTS)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("6 months", Period(months=6)),
        ("-14d", Period(days=-14)),
        ("+30d", Period(days=30)),
        ("1 year 2 weeks", Period(years=1, weeks=2)),
        ("-1 Year, 2 Weeks", Period(years=-1, weeks=-2)),
        ("1mo+3d", Period(months=1, days=3)),
        ("2w", Period(weeks=2)),
        ("0d", Period()),
    ],
)
def test_a_period_is_read_from_words_and_letters(text: str, period: Period) -> None:
    assert Period.parse(text) == period


@pytest.mark.parametrize(
    "text", ["", "6", "6m", "six months", "6 months x", "-", "1.5 years", "٣d", "99999d"]
)
def test_what_is_no_period_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match='write it as "6 months" or "-14d"'):
        Period.parse(text)


@given(PERIODS)
def test_a_written_period_reads_back_as_itself(period: Period) -> None:
    assert Period.parse(str(period)) == period


@given(PERIODS, st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_a_shift_agrees_with_dateutil(period: Period, day: date) -> None:
    bounded = Period(period.years % 9, period.months, period.weeks, period.days)
    parts = {"years": bounded.years, "months": bounded.months}
    expected = day + relativedelta(**parts) + relativedelta(weeks=bounded.weeks, days=bounded.days)

    moved = bounded.shift(np.array([day], dtype="datetime64[D]"))

    assert moved[0].item() == expected


def test_only_iso_days_of_sensible_years_are_dates() -> None:
    texts = [
        "2026-07-01",
        "2026-07-01 23:59",
        "2026-07-01T08:00",
        "",
        "07/01/2026",
        "2026-02-30",
        "1111-11-11",
    ]

    dates = read_dates(pd.Series([*texts, "9999-12-31", "20260701"], dtype="str"))

    assert write_dates(dates).tolist() == ["2026-07-01"] * 3 + [""] * 6


def test_reading_no_dates_gives_no_dates() -> None:
    assert read_dates(pd.Series([], dtype="str")).shape == (0,)
    assert write_dates(np.array([], dtype="datetime64[D]")).tolist() == []
