"""Equations: by what REDCap computes a field, be it calculated or with @CALCTEXT or @CALCDATE."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from types import MappingProxyType

import pandas as pd

from capstan.dictionary import Field, FieldType
from capstan.errors import LogicError
from capstan.logic import Expression, parse
from checks.frames import normal_form
from checks.logic import Merged

_TAG = re.compile(r"@(CALCTEXT|CALCDATE)\s*\(")
# What a split must keep together: quoted texts; and each bracket and comma by itself.
_PIECE = re.compile(r"'[^']*'|\"[^\"]*\"|[(),]")
# A year and a month have the lengths that REDCap's own datediff gives them.
_DAYS = MappingProxyType({"y": 365.2425, "M": 30.44, "d": 1, "h": 1 / 24, "m": 1 / 1440, "s": 1 / 86400})
_STAMPS = (
    ("datetime_seconds", "%Y-%m-%d %H:%M:%S"),
    ("datetime", "%Y-%m-%d %H:%M"),
    ("", "%Y-%m-%d"),
)
# Only a REDCap page knows these: their texts say what an equation would read from it.
_OF_PAGES = re.compile(r"^(?:user|survey|form|is|rand|redcap|project|event-id|record-dag-(?:id|label))\b")


@dataclass(frozen=True)
class Equation:
    """One expression; or for @CALCDATE three: a date, how far to move it, and in which unit."""

    field: Field
    parts: tuple[Expression, ...]

    @property
    def is_of_data(self) -> bool:
        """Whether data alone tell the result."""
        names = [one.field for part in self.parts for one in part.references if one.is_smart]
        return not any(_OF_PAGES.match(name) for name in names)

    def due(self, merged: Merged, *, rows: pd.Index) -> pd.Series:
        """What REDCap would store in some rows of a field of text; raises LogicError."""
        texts = [merged.table.evaluate(part, now=merged.now, rows=rows) for part in self.parts]
        if len(texts) > 1:
            return self._moved(texts, now=merged.now)
        return normal_form(texts[0])

    def _moved(self, texts: Sequence[pd.Series], *, now: datetime) -> pd.Series:
        """Move the dates; each distinct combination once."""
        told = pd.Series(list(zip(*texts, strict=True)), index=texts[0].index, dtype=object)
        codes, distinct = pd.factorize(told)
        stamp = next(form for kind, form in _STAMPS if self.field.validation.startswith(kind))
        moved = pd.array([_move(*each, stamp=stamp, now=now) for each in distinct], dtype="str")
        return pd.Series(moved.take(codes), index=told.index)


def read_equation(item: Field) -> Equation | None:
    """Read by what a field is computed; None where nothing is written.

    Raises LogicError where it cannot be read, such as REDCap's own special functions.
    """
    texts = [item.calculation] if item.type is FieldType.CALC else _arguments(item.annotation)
    parts = tuple(parse(text) for text in texts)
    return Equation(item, parts) if parts and all(part.steps for part in parts) else None


def _arguments(annotation: str) -> list[str]:
    """What stands in the brackets of the action tag: one text, or the three of @CALCDATE."""
    tag = _TAG.search(annotation)
    if tag is None:
        return []
    commas, end = _outline(annotation, start=tag.end())
    if end < 0:
        raise LogicError("The brackets of the action tag are not closed.")
    if tag[1] == "CALCTEXT":
        return [annotation[tag.end() : end]]
    if len(commas) != 2:
        raise LogicError("@CALCDATE takes a date, an offset and a unit.")
    edges = [tag.end() - 1, *commas, end]
    return [annotation[one + 1 : other] for one, other in pairwise(edges)]


def _outline(text: str, *, start: int) -> tuple[list[int], int]:
    """Where the commas between arguments stand, and the closing bracket; -1 for none."""
    depth = 1
    commas: list[int] = []
    for piece in _PIECE.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(piece[0], 0)
        if depth == 0:
            return commas, piece.start()
        if piece[0] == "," and depth == 1:
            commas.append(piece.start())
    return commas, -1


def _move(day: str, offset: str, unit: str, *, stamp: str, now: datetime) -> str:
    """One moved date; blank where one of the three texts is no such thing."""
    named: Mapping[str, datetime] = {"now": now, "today": now.replace(hour=0, minute=0, second=0)}
    try:
        start = named.get(day) or datetime.fromisoformat(day)
        return (start + timedelta(days=float(offset) * _DAYS[unit])).strftime(stamp)
    except (ValueError, OverflowError, KeyError):
        return ""
