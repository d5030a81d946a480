"""Outliers: numbers that are far from the others of their field (REDCap's rule E)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt

from capstan.dictionary import Field, FieldType
from capstan.logic.words import Words
from capstan.study.quality_rules import Outliers
from checks import text
from checks.columns import Bools, Column
from checks.findings import Finding
from checks.quality.held import Held

Floats = npt.NDArray[np.float64]
# A range of a normal distribution in median deviations is that many times one in standard deviations.
_NORMAL = 1.4826


def judge_outliers(held: Held, *, limits: Outliers) -> Iterator[Finding]:
    """Say which numbers are further from the others of their field, over all rows, than the study admits.

    Missing data codes are no numbers. A field whose numbers are all the same has no outliers; around the
    median, one of which more than half are the same has none either.
    """
    unit = "standard" if limits.around == "mean" else "median"
    reason = f"More than {limits.deviations:g} {unit} deviations from the {limits.around} of the field."
    for item in held.dictionary.fields:
        if is_numeric(item) and item.name in held.values:
            column = held.sheet.columns[item.name]
            far = _far(column, limits=limits, codes=held.dictionary.missing_codes)
            yield Finding("outlier", np.flatnonzero(column.spread(far)), item.name, reason)


def is_numeric(item: Field) -> bool:
    """Whether a field holds numbers by its type: validated as one, calculated, or a slider."""
    if item.type is FieldType.TEXT:
        return text.is_numeric(text.canonical(item.validation))
    return item.type in (FieldType.CALC, FieldType.SLIDER)


def _far(column: Column, *, limits: Outliers, codes: Collection[str]) -> Bools:
    """Which words of a column are outliers."""
    number = numbers_of(column, codes=codes)
    count = np.bincount(column.codes, minlength=len(number))
    known = np.isfinite(number) & (count > 0)
    number, count = number[known], count[known]
    far = np.zeros(len(known), dtype=bool)
    if count.sum() < limits.at_least or number.min() == number.max():
        return far
    # By the largest, so that no square of a typing mistake overflows.
    number = number / np.abs(number).max()
    centre, spread = (_mean if limits.around == "mean" else _median)(number, count)
    if spread > 0:
        far[known] = np.abs(number - centre) > limits.deviations * spread
    return far


def numbers_of(column: Column, *, codes: Collection[str] = ()) -> Floats:
    """The number that each word of a column is; NaN for what is none, and for some codes."""
    return Words(column.words.to_numpy(zero_copy_only=False), frozenset(codes)).numbers


def _mean(number: Floats, count: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Mean and standard deviation (of a sample) of numbers that stand `count` times each."""
    mean = np.average(number, weights=count)
    variance = (count * (number - mean) ** 2).sum() / (count.sum() - 1)
    return float(mean), float(np.sqrt(variance))


def _median(number: Floats, count: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Median and median deviation, in the measure of a standard deviation."""
    every = np.repeat(number, count)
    median = np.median(every)
    return float(median), float(_NORMAL * np.median(np.abs(every - median)))
