"""Distinct texts and what they mean: a number, a truth, nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

Bools: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Objects: TypeAlias = NDArray[np.object_]

# Stored numbers may have a blank before them and either decimal sign; digits are ASCII. Arrow reads it too.
_BLANKS = r"[ \t\n\r\f\v]*"
_LOOK = rf"{_BLANKS}[-+]?(?:[0-9]+[.,][0-9]+|[0-9]+\.?|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?{_BLANKS}"
_NUMBER = re.compile(_LOOK)
# So few texts are read one by one in less time than Arrow takes to begin.
_FEW = 64


def as_number(text: str) -> float:
    """Read a number that looks like one, with point or comma; anything else is NaN."""
    if not _NUMBER.fullmatch(text):
        return math.nan
    number = float(text.replace(",", "."))
    return number if math.isfinite(number) else math.nan


def as_numbers(texts: Objects) -> Floats:
    """Read many texts as `as_number` does each."""
    if len(texts) < _FEW:
        return np.array([as_number(text) for text in texts], dtype=np.float64)
    words = pa.array(texts, pa.large_string())
    looks = pc.match_substring_regex(words, f"^{_LOOK}$").to_numpy(zero_copy_only=False)
    plain = pc.replace_substring(words.filter(pa.array(looks)), ",", ".").to_numpy(zero_copy_only=False)
    read = plain.astype(np.float64)
    numbers = np.full(len(texts), math.nan)
    numbers[looks] = np.where(np.isfinite(read), read, math.nan)
    return numbers


def as_text(number: float) -> str:
    """Write a number as REDCap stores it: at most 14 significant digits, no trailing zeros; NaN is blank."""
    if math.isnan(number):
        return ""
    text = f"{number + 0.0:.14g}"  # adding zero makes -0 a plain 0
    is_ordinary = 1e-9 <= abs(number) < 1e15
    return format(Decimal(text), "f") if "e" in text and is_ordinary else text


@dataclass(frozen=True, eq=False)
class Words:
    """Distinct texts, and what each of them means; `missing` are the project's missing data codes."""

    values: Objects = field(repr=False)
    missing: frozenset[str] = field(default=frozenset(), repr=False)

    @cached_property
    def numbers(self) -> Floats:
        read = as_numbers(self.values)
        if self.missing:
            read[[text in self.missing for text in self.values]] = math.nan
        return read

    @cached_property
    def blank(self) -> Bools:
        return np.array([text == "" for text in self.values], dtype=np.bool_)

    @cached_property
    def absent(self) -> Bools:
        """Blank, or a missing data code: nothing that can be more or less than another."""
        return np.array([text == "" or text in self.missing for text in self.values], dtype=np.bool_)

    @cached_property
    def truths(self) -> Bools:
        return np.asarray(~self.absent & (self.numbers != 0), dtype=np.bool_)


def as_objects(values: Sequence[Any]) -> Objects:
    """Make an array of these very objects, whatever their lengths."""
    objects = np.empty(len(values), dtype=np.object_)
    objects[:] = values
    return objects
