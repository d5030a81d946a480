"""Every function and operator of the logic language by name, with the number of arguments it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeAlias

from capstan.logic import missing, numeric, operators, temporal, textual
from capstan.logic.columns import Column, choose


@dataclass(frozen=True)
class Setting:
    """What functions may know beside their arguments."""

    now: datetime
    missing_codes: frozenset[str]


Computation: TypeAlias = Callable[[Setting, list[Column]], Column]


@dataclass(frozen=True)
class Function:
    """How a function computes, and how many arguments it takes; `most` is None for any number."""

    compute: Computation
    fewest: int
    most: int | None

    def accepts(self, count: int) -> bool:
        """Say whether it can be called with this many arguments."""
        return self.fewest <= count and (self.most is None or count <= self.most)

    @property
    def arity(self) -> str:
        """The number of arguments in words."""
        if self.most is None:
            return f"at least {_arguments(self.fewest)}"
        if self.most == self.fewest:
            return _arguments(self.fewest)
        return f"{self.fewest} to {_arguments(self.most)}"


def _arguments(count: int) -> str:
    return f"{count} argument{'' if count == 1 else 's'}"


def _plain(function: Callable[..., Column], fewest: int, most: int | None) -> Function:
    return Function(lambda _, arguments: function(*arguments), fewest, most)


def _dated(function: Callable[..., Column], fewest: int, most: int | None) -> Function:
    return Function(lambda setting, arguments: function(*arguments, now=setting.now), fewest, most)


def _coded(function: Callable[..., Column], fewest: int, most: int | None) -> Function:
    return Function(
        lambda setting, arguments: function(*arguments, codes=setting.missing_codes), fewest, most
    )


def _if(condition: Column, yes: Column, no: Column) -> Column:
    # Both sides are computed: no operation can fail, so nobody can tell this from a lazy if.
    return choose(condition.truths, yes, no)


FUNCTIONS: Mapping[str, Function] = {
    "if": _plain(_if, 3, 3),
    "datediff": _dated(temporal.difference, 3, 5),
    "age_at_date": _dated(temporal.age_at, 2, 3),
    "dayoftheweek": _dated(temporal.day_of_week, 1, 1),
    "year": _dated(temporal.year, 1, 1),
    "month": _dated(temporal.month, 1, 1),
    "day": _dated(temporal.day, 1, 1),
    "round": _plain(numeric.rounded, 1, 2),
    "roundup": _plain(numeric.rounded_up, 1, 2),
    "rounddown": _plain(numeric.rounded_down, 1, 2),
    "sqrt": _plain(numeric.square_root, 1, 1),
    "abs": _plain(numeric.magnitude, 1, 1),
    "exponential": _plain(numeric.exponential, 1, 1),
    "log": _plain(numeric.logarithm, 1, 2),
    "mod": _plain(numeric.remainder, 2, 2),
    "min": _plain(numeric.least, 1, None),
    "max": _plain(numeric.greatest, 1, None),
    "mean": _plain(numeric.mean, 1, None),
    "median": _plain(numeric.median, 1, None),
    "sum": _plain(numeric.total, 1, None),
    "stdev": _plain(numeric.deviation, 1, None),
    "isnumber": _plain(numeric.is_number, 1, 1),
    "isinteger": _plain(numeric.is_integer, 1, 1),
    "isblankormissingcode": _coded(missing.is_blank_or_code, 1, 1),
    "isblanknotmissingcode": _plain(missing.is_blank, 1, 1),
    "ismissingcode": _coded(missing.is_code, 1, 1),
    "hasmissingcode": _plain(missing.is_one_of, 2, None),
    "contains": _plain(textual.contains, 2, 2),
    "not_contain": _plain(textual.lacks, 2, 2),
    "starts_with": _plain(textual.starts_with, 2, 2),
    "ends_with": _plain(textual.ends_with, 2, 2),
    "find": _plain(textual.find, 2, 2),
    "left": _plain(textual.left, 2, 2),
    "right": _plain(textual.right, 2, 2),
    "mid": _plain(textual.middle, 3, 3),
    "length": _plain(textual.length, 1, 1),
    "trim": _plain(textual.trim, 1, 1),
    "upper": _plain(textual.upper, 1, 1),
    "lower": _plain(textual.lower, 1, 1),
    "replace_text": _plain(textual.replaced, 3, 3),
    "concat": _plain(textual.joined, 1, None),
    "concat_ws": _plain(textual.joined_with, 2, None),
}

OPERATIONS: Mapping[str, Computation] = {
    **{name: function.compute for name, function in FUNCTIONS.items()},
    **{sign: _plain(partial(operators.compare, sign), 2, 2).compute for sign in operators.ORDERS},
    **{sign: _plain(partial(operators.calculate, sign), 2, 2).compute for sign in operators.SUMS},
    "negative": _plain(operators.negative, 1, 1).compute,
    "and": _plain(operators.conjunction, 2, 2).compute,
    "or": _plain(operators.disjunction, 2, 2).compute,
}
