"""The plan: the cells that one run wants to write, with what they hold now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

KEYS = ("record", "event", "instrument", "instance")
CELL_COLUMNS = (*KEYS, "field", "before", "after")
KEY_NAMES = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")


@dataclass(frozen=True, eq=False)
class Plan:
    """Cells to write: text columns record, event, instrument, instance, field, before, after.

    `field` is an export column, so a checkbox choice is a cell of its own. Sorted and free of repeats,
    so that one set of changes has one digest.
    """

    cells: pd.DataFrame = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """A hash over the sorted cells: what a person approves is what is written."""
        rows = self.cells.sort_values(list(CELL_COLUMNS[:5]), kind="stable")
        text = rows[list(CELL_COLUMNS)].to_json(orient="values", force_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return self.cells.empty

    def counts(self) -> dict[str, int]:
        """Cells, rows and records that the plan touches."""
        return {
            "cells": len(self.cells),
            "rows": len(self.cells[list(KEYS)].drop_duplicates()),
            "records": int(self.cells["record"].nunique()),
        }


def empty_cells() -> pd.DataFrame:
    """A frame of no cells with the right columns."""
    return pd.DataFrame({name: pd.Series(dtype="str") for name in CELL_COLUMNS})


def keyed(frame: pd.DataFrame, *, record_field: str) -> pd.DataFrame:
    """Give a flat export all four key columns, first and in order, blank where the project lacks them."""
    present = [record_field, *KEY_NAMES]
    missing = {name: "" for name in present if name not in frame.columns}
    full = frame.assign(**missing) if missing else frame
    rest = [name for name in full.columns if name not in present]
    return full[present + rest].reset_index(drop=True)


def row_index(frame: pd.DataFrame, *, record_field: str) -> pd.MultiIndex:
    """The four keys of a keyed frame as an index."""
    return pd.MultiIndex.from_frame(frame[[record_field, *KEY_NAMES]], names=list(KEYS))


def compare(
    wanted: pd.DataFrame, *, present: pd.DataFrame, record_field: str, blanks_erase: bool = False
) -> pd.DataFrame:
    """List the cells of `wanted` that differ from `present`, as `CELL_COLUMNS` and the row's position.

    Both frames are keyed, text, with unique keys. A blank in `wanted` means "leave as it is", unless
    `blanks_erase`. The column `row` is the position in `wanted`; a row or column that `present` lacks
    holds blanks.
    """
    keys = row_index(wanted, record_field=record_field)
    position = row_index(present, record_field=record_field).get_indexer(keys)
    found = position >= 0
    parts = []
    for column in wanted.columns[4:]:
        after = wanted[column].to_numpy(dtype=object)
        before = np.full(len(wanted), "", dtype=object)
        if column in present.columns:
            before[found] = present[column].to_numpy(dtype=object)[position[found]]
        differs = after != before
        changed = np.flatnonzero(differs if blanks_erase else differs & (after != ""))
        if changed.size:
            parts.append(_cells(keys[changed], field=column, before=before[changed], after=after[changed]))
            parts[-1].insert(0, "row", changed)
    if not parts:
        return pd.DataFrame({"row": pd.Series(dtype="int64"), **empty_cells()})
    return pd.concat(parts, ignore_index=True)


def held(cells: pd.DataFrame, *, present: pd.DataFrame, record_field: str) -> pd.DataFrame:
    """What REDCap holds in the places of some cells: text `value` and bool `row_exists`, aligned to `cells`.

    `present` is a keyed frame; a row or column that it lacks holds blanks.
    """
    position = row_index(present, record_field=record_field).get_indexer(
        pd.MultiIndex.from_frame(cells[list(KEYS)])
    )
    found = position >= 0
    values = np.full(len(cells), "", dtype=object)
    for column, places in cells.reset_index(drop=True).groupby("field", sort=False).indices.items():
        here = places[found[places]]
        if column in present.columns:
            values[here] = present[column].to_numpy(dtype=object)[position[here]]
    return pd.DataFrame({"value": pd.array(values, dtype="str"), "row_exists": found}, index=cells.index)


def overlay(frames: Sequence[pd.DataFrame], *, record_field: str) -> pd.DataFrame:
    """Lay keyed frames over each other: one row per place, the first value that is not blank counts."""
    keys = [record_field, *KEY_NAMES]
    whole = pd.concat([frame.replace("", pd.NA) for frame in frames], ignore_index=True)
    whole[keys] = whole[keys].fillna("")
    return keyed(
        whole.groupby(keys, sort=False, dropna=False).first().reset_index().fillna("").astype("str"),
        record_field=record_field,
    )


def same(one: pd.Series, other: pd.Series, *, fields: pd.Series, zeros: frozenset[str]) -> pd.Series:
    """Whether texts mean the same to REDCap: line ends apart, and a blank as 0 in the columns `zeros`."""
    blank_is_zero = fields.isin(zeros)
    sides = []
    for side in (one, other):
        text = side.str.replace("\r\n", "\n", regex=False)
        sides.append(text.mask(blank_is_zero & (text == ""), "0"))
    return sides[0] == sides[1]


def as_table(cells: pd.DataFrame, *, present: pd.DataFrame, record_field: str) -> pd.DataFrame:
    """Turn cells back into the keyed table for the gate that they came from; a blank in it erases.

    Where a row has no cell for a field it gets what REDCap holds (`present`, keyed). Cells that contradict
    each other make two rows of one key.
    """
    keys = list(KEYS)
    wide = cells.assign(version=cells.groupby([*keys, "field"]).cumcount()).pivot(
        index=[*keys, "version"], columns="field", values="after"
    )
    table = wide.reset_index(keys).reset_index(drop=True).rename_axis(columns=None)
    table = table.set_axis([record_field, *KEY_NAMES, *table.columns[4:]], axis=1)
    table = table.loc[:, ~table.columns.duplicated()]
    position = row_index(present, record_field=record_field).get_indexer(
        row_index(table, record_field=record_field)
    )
    for name in table.columns[4:]:
        there = present[name].reindex(position) if name in present.columns else pd.Series("", table.index)
        table[name] = table[name].fillna(there.set_axis(table.index)).fillna("")
    return table.astype("str")


def to_rows(cells: pd.DataFrame, *, key_columns: tuple[str, ...], value: str = "after") -> pd.DataFrame:
    """Turn cells into rows for an import: the project's key columns, then one column per field.

    A row that has no cell for a field is blank there.
    """
    wide = cells.pivot(index=list(KEYS), columns="field", values=value).fillna("")
    # Built from the index: a field may have the name of a key, and the record id may be a cell of its own.
    keys = dict(
        zip((key_columns[0], *KEY_NAMES), (wide.index.get_level_values(key) for key in KEYS), strict=True)
    )
    fields = [name for name in dict.fromkeys(cells["field"]) if name not in key_columns]
    values = {name: wide[name].to_numpy() for name in fields}
    return pd.DataFrame({**{name: keys[name].to_numpy() for name in key_columns}, **values}, dtype="str")


def import_parts(cells: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, bool]]:
    """Split cells into imports: (cells, overwrite).

    All values come first, in one import of normal behaviour, in which blanks change nothing. Erasures
    follow, in imports that overwrite: one for each set of fields, so that no other cell is erased.
    """
    erased = cells["after"] == ""
    if (~erased).any():
        yield cells[~erased], False
    left = cells[erased]
    if not left.empty:
        fields = left.groupby(list(KEYS), sort=False)["field"].transform(
            lambda names: "\x1f".join(sorted(names))
        )
        for _, part in left.groupby(fields, sort=False):
            yield part, True


def _cells(
    keys: pd.MultiIndex, *, field: str, before: npt.NDArray[np.object_], after: npt.NDArray[np.object_]
) -> pd.DataFrame:
    frame = keys.to_frame(index=False)
    return frame.assign(field=field, before=before, after=after).astype("str")
