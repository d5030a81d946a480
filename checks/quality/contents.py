"""Contents: what the fields hold as a whole, by event and by site; never what one person holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from capstan.dictionary import Field, FieldType
from capstan.quality.measures import Measure
from checks.quality.export import Export, Floats, Mask, as_numbers
from checks.quality.wild import Usual, draw_in

_CODED = (FieldType.RADIO, FieldType.DROPDOWN, FieldType.YESNO, FieldType.TRUEFALSE)
_COUNTED = (FieldType.TEXT, FieldType.CALC, FieldType.SLIDER)


def measure_fields(export: Export, usual: Mapping[tuple[str, str], Usual]) -> Iterator[Measure]:
    """Measure every coded and every numeric field; `usual` is what was usual on the days before."""
    for field in export.fields(*_CODED):
        column = export.frame[field.name]
        yield from _measure_codes(export, field.name, field=field, codes=tuple(field.choices))
        yield from _measure_filling(export, field, has=column.ne("").to_numpy())
    for field in export.fields(FieldType.CHECKBOX):
        for column_name in field.columns:
            yield from _measure_codes(export, column_name, field=field, codes=("1", "0"))
    for field in export.fields(*_COUNTED):
        if is_numeric(field):
            values = _answers(export, field)
            drawn = draw_in(export, field, values, usual=usual)
            yield from drawn.measures
            yield from measure_numbers(export, field, drawn.values)
            yield from _measure_tails(export, field, drawn.values)
            yield from _measure_habits(export, field, values)
            yield from _measure_filling(export, field, has=export.frame[field.name].ne("").to_numpy())


def is_numeric(field: Field) -> bool:
    """Whether a field holds numbers."""
    if field.type is FieldType.TEXT:
        return field.validation == "integer" or field.validation.startswith("number")
    return field.type in (FieldType.CALC, FieldType.SLIDER)


def _answers(export: Export, field: Field) -> Floats:
    """The numbers of a field; a missing data code is none."""
    cells = export.frame[field.name]
    if "comma" in field.validation:
        cells = cells.str.replace(",", ".", regex=False)
    return np.where(cells.isin(list(export.dictionary.missing_codes)), np.nan, as_numbers(cells))


def measure_numbers(
    export: Export, field: Field, values: Floats, *, names: tuple[str, str] = ("mean", "spread")
) -> Iterator[Measure]:
    """Measure the mean and the standard deviation of values, one per row."""
    squares = {(id(places), name): total for places, name, total, _ in export.sums(values**2)}
    for places, name, total, count in export.sums(values):
        mean = total / count
        variance = max(squares[id(places), name] / count - mean**2, 0.0)
        where = (field.form, field.name, *export.place(places, name))
        yield Measure(names[0], *where, mean, count)
        yield Measure(names[1], *where, variance**0.5, count)


def _measure_tails(export: Export, field: Field, values: Floats) -> Iterator[Measure]:
    """Measure the kurtosis of values: 3 for a bell, more where a few rows make most of the spread."""
    asked = np.flatnonzero(~np.isnan(values))
    for places in export.axes:
        here = asked[places.codes[asked] >= 0]
        codes = places.codes[here]
        counts = np.bincount(codes, minlength=len(places.names))
        share = 1 / np.maximum(counts, 1)
        means = np.bincount(codes, weights=values[here], minlength=len(places.names)) * share
        squares = (values[here] - means[codes]) ** 2
        variance = np.bincount(codes, weights=squares, minlength=len(places.names)) * share
        fourth = np.bincount(codes, weights=squares**2, minlength=len(places.names)) * share
        for at in np.flatnonzero(variance):
            where = (field.form, field.name, *export.place(places, places.names[at]))
            yield Measure("tails", *where, float(fourth[at] / variance[at] ** 2), int(counts[at]))


def _measure_codes(export: Export, column: str, *, field: Field, codes: tuple[str, ...]) -> Iterator[Measure]:
    held = export.frame[column]
    asked = held.isin(list(codes)).to_numpy() & export.started[field.form]
    for code in codes:
        is_it = np.where(asked, held.eq(code).to_numpy().astype(float), np.nan)
        yield from export.means(f"share of {code}", is_it, form=field.form, field=column)


def _measure_filling(export: Export, field: Field, *, has: Mask) -> Iterator[Measure]:
    asked = np.where(export.started[field.form], has.astype(float), np.nan)
    yield from export.means("filled", asked, form=field.form, field=field.name)


def _measure_habits(export: Export, field: Field, values: Floats) -> Iterator[Measure]:
    """Measure the share of the most common value, and that of values that end in 0 or 5."""
    yield from _measure_commonest(export, field, values)
    # Numbers of one digit are no rounded ones.
    is_long = np.abs(values) >= 10
    whole = is_long & (values == np.floor(values))
    is_round = np.where(whole, (values % 5 == 0).astype(float), np.nan)
    yield from export.means("rounded", is_round, form=field.form, field=field.name)


def _measure_commonest(export: Export, field: Field, values: Floats) -> Iterator[Measure]:
    asked = np.flatnonzero(~np.isnan(values))
    kinds = np.unique(values[asked], return_inverse=True)[1]
    for places in export.axes:
        here = places.codes[asked] >= 0
        codes = places.codes[asked][here]
        pairs, times = np.unique(codes * (len(asked) + 1) + kinds[here], return_counts=True)
        most = np.zeros(len(places.names), dtype=np.int64)
        np.maximum.at(most, pairs // (len(asked) + 1), times)
        counts = np.bincount(codes, minlength=len(places.names))
        for at in np.flatnonzero(counts):
            where = (field.form, field.name, *export.place(places, places.names[at]))
            yield Measure("commonest", *where, float(most[at] / counts[at]), int(counts[at]))
