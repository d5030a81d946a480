"""Asked: an expectation together with the number that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from capstan.quality.expected import Expected, Kind
from capstan.quality.measures import Measure, typed

Severity = Literal["critical", "warning", "info"]
Question = tuple[Expected, Measure | None]


class Rule(NamedTuple):
    """What is asked of one measure everywhere; `says` has {it} for what the measure is about."""

    name: str
    kind: Kind
    severity: Severity
    says: str


class Place(NamedTuple):
    """What a number is about; blank for all."""

    form: str = ""
    field: str = ""
    event: str = ""
    site: str = ""

    def __str__(self) -> str:
        parts = [f"{name} {value}" for name, value in zip(self._fields, self, strict=True) if value]
        return ", ".join(parts) or "the whole project"


class Asked(NamedTuple):
    """All that is expected, and the measures (`MEASURE_COLUMNS`) that are judged, one for each."""

    expected: tuple[Expected, ...]
    measures: pd.DataFrame


def ask(
    rule: Rule,
    place: Place,
    *,
    value: float,
    count: float,
    lower: float | None = None,
    upper: float | None = None,
) -> Question:
    """Expect a number of a place to be within bounds."""
    expected = Expected(
        id=_name(rule, place),
        kind=rule.kind,
        severity=rule.severity,
        sentence=rule.says.format(it=place),
        **place._asdict(),
        lower=_rounded(lower),
        upper=_rounded(upper),
        measure=rule.name,
    )
    return expected, Measure(rule.name, *place, value, int(count))


def wait(rule: Rule, reason: str) -> Question:
    """Say that a rule is not asked anywhere yet, and why."""
    place = Place()
    words = rule.says.format(it=place)
    return Expected(
        _name(rule, place), rule.kind, rule.severity, words, waits=reason, measure=rule.name
    ), None


def names_of(expected: Expected) -> frozenset[str]:
    """What a study file may call an expectation: its id, the rule that it begins with, or its kind."""
    return frozenset({expected.id, expected.id.split("/")[0], expected.kind})


def without(questions: Iterable[Question], *, off: Iterable[str]) -> list[Question]:
    """Leave out the questions whose id, rule or kind is switched off."""
    left_out = frozenset(off)
    return [one for one in questions if not names_of(one[0]) & left_out]


def gather(questions: Sequence[Question]) -> Asked:
    """Put questions together."""
    told = [measure for _, measure in questions if measure is not None]
    return Asked(tuple(sorted((one for one, _ in questions), key=lambda one: one.id)), typed(told))


def places(frame: pd.DataFrame) -> Iterator[tuple[Place, pd.Series[float]]]:
    """The rows of a frame that is indexed by measure and place, and perhaps by days."""
    for key, (_, row) in zip(frame.index, frame.iterrows(), strict=True):
        yield Place(*key[1:5]), row


def worst(frame: pd.DataFrame) -> pd.DataFrame:
    """Of the windows of each place, the one that is the furthest out of its bounds, or the nearest to them.

    It has `recent`, `before`, `lower` and `upper`, NaN for no bound; without any bound a window is left out.
    """
    grown = (frame["recent"] - frame["before"]) / (frame["upper"] - frame["before"])
    fallen = (frame["before"] - frame["recent"]) / (frame["before"] - frame["lower"])
    out = np.fmax(grown.to_numpy(dtype="float64"), fallen.to_numpy(dtype="float64"))
    is_bounded = ~np.isnan(out)
    ordered = frame[is_bounded].iloc[np.argsort(out[is_bounded], kind="stable")]
    told: pd.DataFrame = ordered[~ordered.droplevel("days").index.duplicated(keep="last")]
    return told


def _name(rule: Rule, place: Place) -> str:
    return "/".join([rule.name.replace(" ", "_"), *place]).rstrip("/")


def _rounded(bound: float | None) -> float | None:
    """Bounds of twelve digits are the same on every machine."""
    return None if bound is None else float(f"{bound:.12g}")
