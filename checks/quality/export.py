"""An export seen by place: which rows belong to a form, and which event and site each row is of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.dictionary import Dictionary, Field, FieldType
from capstan.events import EventGrid
from capstan.plan import KEY_NAMES
from capstan.quality.measures import Measure
from checks.identity import GROUP_COLUMN

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_PARTS = re.compile(r"(\d+)")


class Places(NamedTuple):
    """One number per row for its event or site, and what these numbers are called; -1 is none of them."""

    codes: npt.NDArray[np.intp]
    names: tuple[str, ...]


class Export:
    """A keyed export of text with its dictionary and grid; the order of its rows does not matter."""

    def __init__(self, frame: pd.DataFrame, dictionary: Dictionary, grid: EventGrid) -> None:
        self.frame = frame.reset_index(drop=True)
        self.dictionary = dictionary
        self.grid = grid

    @cached_property
    def records(self) -> npt.NDArray[np.intp]:
        """The number of each row's record, counted in the order in which people number them."""
        column = self.frame[self.dictionary.record_field]
        names = sorted(column.unique(), key=_natural)
        return np.asarray(pd.Index(names).get_indexer(pd.Index(column)))

    @cached_property
    def events(self) -> Places:
        """The event of each row."""
        names = self.grid.names
        return Places(pd.Index(names).get_indexer(pd.Index(self.frame[KEY_NAMES[0]])), names)

    @cached_property
    def sites(self) -> Places:
        """The access group of each row; rows without one are of no site."""
        if GROUP_COLUMN not in self.frame.columns:
            return Places(np.full(len(self.frame), -1), ())
        column = self.frame[GROUP_COLUMN]
        names = tuple(sorted(name for name in column.unique() if name))
        return Places(pd.Index(names, dtype="str").get_indexer(pd.Index(column)), names)

    @cached_property
    def filled(self) -> dict[str, Mask]:
        """Of each export column, which rows hold anything; an unticked box and a status 0 hold nothing."""
        zeros = self.dictionary.zero_columns
        found = {}
        for name in self.dictionary.by_column:
            if name in self.frame.columns:
                column = self.frame[name]
                has = column.ne("") & column.ne("0") if name in zeros else column.ne("")
                found[name] = has.to_numpy(dtype=bool)
        return found

    @cached_property
    def started(self) -> dict[str, Mask]:
        """Of each form, which rows hold any of its data; the record id is no data."""
        found = {}
        for form in self.dictionary.forms:
            columns = [name for name in self.columns_of(form) if name in self.filled]
            parts = [self.filled[name] for name in [*columns, f"{form}_complete"] if name in self.filled]
            found[form] = np.logical_or.reduce(parts) if parts else np.zeros(len(self.frame), dtype=bool)
        return found

    @cached_property
    def _by_record(self) -> npt.NDArray[np.intp]:
        return np.argsort(self.records, kind="stable")

    @cached_property
    def is_numbered_by_site(self) -> bool:
        """Whether records are numbered within each site, so that neighbours in number are none in time."""
        sites = self.sites.codes[self._by_record]
        return len(self.sites.names) > 1 and int(np.count_nonzero(np.diff(sites))) < 2 * len(self.sites.names)

    @cached_property
    def dates(self) -> dict[str, Floats]:
        """The day of each date field, by its name."""
        return {
            field.name: as_days(self.frame[field.name])
            for field in self.fields(FieldType.TEXT, FieldType.CALC)
            if field.validation.startswith("date")
        }

    @cached_property
    def _repeats(self) -> Mask:
        """The rows of repeating instruments."""
        return self.frame[KEY_NAMES[1]].ne("").to_numpy(dtype=bool)

    @cached_property
    def anchor(self) -> str:
        """The date field that tells when records began: of those of the first event the latest; or blank.

        A date of birth stands there too, and tells nothing; nor do forms that repeat.
        """
        first = (self.events.codes == 0) & ~self._repeats
        held = {name: days[first & ~np.isnan(days)] for name, days in self.dates.items()}
        return max(
            (name for name in held if len(held[name])),
            key=lambda name: float(np.median(held[name])),
            default="",
        )

    @cached_property
    def begun(self) -> Floats:
        """The day on which each row's record began, NaN where nothing tells it."""
        if not self.anchor:
            return np.full(len(self.frame), np.nan)
        days = np.where((self.events.codes == 0) & ~self._repeats, self.dates[self.anchor], np.nan)
        return pd.Series(days).groupby(self.records).transform("min").to_numpy(dtype="float64")

    def columns_of(self, form: str) -> list[str]:
        """The data columns of a form that the export has, without the record id and the form's status."""
        left_out = {self.dictionary.record_field, f"{form}_complete"}
        return [name for name in self.dictionary.columns_of([form]) if self._is_here(name, left_out)]

    def _is_here(self, name: str, left_out: set[str]) -> bool:
        return name not in left_out and name in self.frame.columns

    def fields(self, *kinds: FieldType) -> Iterator[Field]:
        """The fields of some types that the export has, without the record id."""
        for field in self.dictionary.fields:
            is_here = all(name in self.frame.columns for name in field.columns)
            if field.type in kinds and is_here and field.name != self.dictionary.record_field:
                yield field

    def means(self, measure: str, values: Floats, *, form: str = "", field: str = "") -> Iterator[Measure]:
        """The mean of values (one per row, NaN where not asked): by event, by site, and over all."""
        for places, name, total, count in self.sums(values):
            yield Measure(measure, form, field, *self.place(places, name), total / count, count)

    def sums(self, values: Floats) -> Iterator[tuple[Places, str, float, int]]:
        """The sum and the number of values in each place that has any."""
        asked = np.flatnonzero(~np.isnan(values))
        for places in self.axes:
            here = asked[places.codes[asked] >= 0]
            codes = places.codes[here]
            totals = np.bincount(codes, weights=values[here], minlength=len(places.names))
            counts = np.bincount(codes, minlength=len(places.names))
            for at in np.flatnonzero(counts):
                yield places, places.names[at], float(totals[at]), int(counts[at])

    @cached_property
    def axes(self) -> tuple[Places, ...]:
        """The ways in which rows are put together: by event, by site, and all where there are events."""
        whole = Places(np.zeros(len(self.frame), dtype=np.intp), ("",))
        return (self.events, self.sites, *([whole] if self.grid.is_longitudinal else []))

    def place(self, places: Places, name: str) -> tuple[str, str]:
        """The event and the site that a name of some places stands for."""
        return ("", name) if places is self.sites else (name, "")


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Put 10 after 9, and letters after numbers; a number is compared by its length first, however long."""
    parts = ((part, part.lstrip("0")) for part in _PARTS.split(text))
    return tuple((0, len(bare), bare) if part.isdecimal() else (1, 0, part) for part, bare in parts)


def as_numbers(column: pd.Series[str]) -> Floats:
    """The numbers of a column of text, NaN where there is none."""
    read = pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    return np.asarray(np.where(np.isfinite(read), read, np.nan), dtype="float64")


def as_days(column: pd.Series[str]) -> Floats:
    """The days of a column of dates or times as text, counted from 1970, NaN where there is none."""
    read = pd.to_datetime(column.str.slice(0, 10), format="%Y-%m-%d", errors="coerce")
    days = (read - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    return np.asarray(days.to_numpy(dtype="float64", na_value=np.nan), dtype="float64")
