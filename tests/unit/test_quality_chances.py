"""Chances: bounds of shares and means."""

from __future__ import annotations

import numpy as np
import pytest

from capstan.quality.chances import least_share, mean_error, most_share, spread_error


def _least(share: float, *, among: float, before: float) -> float:
    return float(least_share(np.array([share]), among=np.array([among]), before=np.array([before]))[0])


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_no_share_in_two_hundred_thousand_is_below_the_least_one(share: float) -> None:
    drawn = np.random.default_rng(1).binomial(60, share, 200_000) / 60

    assert drawn.min() >= _least(share, among=60, before=10_000)


def test_the_least_share_nears_the_share_as_rows_become_many() -> None:
    bounds = [_least(0.9, among=rows, before=rows * 10) for rows in (20, 200, 2_000, 20_000)]

    assert bounds == sorted(bounds)
    assert 0.85 < bounds[-1] < 0.9


def test_the_greatest_share_mirrors_the_least() -> None:
    share, rows = np.array([0.2]), np.array([100.0])

    greatest = most_share(share, among=rows, before=rows)

    assert greatest == pytest.approx(1 - least_share(1 - share, among=rows, before=rows))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_bounds_of_certain_shares_are_shares(share: float) -> None:
    assert 0 <= _least(share, among=12, before=20) <= 1


@pytest.mark.parametrize("rows", [12, 40])
def test_no_mean_in_twenty_thousand_is_farther_off_than_its_error(rows: int) -> None:
    drawn = np.random.default_rng(1).normal(size=(20_000, rows))
    spread = np.maximum(drawn.std(axis=1), 1)

    assert (np.abs(drawn.mean(axis=1)) < mean_error(spread, among=rows, before=10_000)).all()


@pytest.mark.parametrize(("shape", "tails"), [(0.0, 3.0), (0.6, 10.0), (0.8, 31.0)])
def test_no_spread_in_twenty_thousand_is_farther_off_than_its_error(shape: float, tails: float) -> None:
    bells = np.random.default_rng(1).normal(size=(20_000, 100))
    drawn = np.exp(shape * bells) if shape else bells
    spreads = drawn.std(axis=1)

    assert (np.abs(np.log(spreads / drawn.std())) < spread_error(tails, among=100, before=10_000)).all()


def test_the_spread_of_values_with_heavy_tails_is_told_by_more_rows() -> None:
    bell = spread_error(3.0, among=100, before=1_000)

    assert spread_error(19.0, among=900, before=9_000) == pytest.approx(bell)
