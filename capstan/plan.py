"""The plan: the cells that one run wants to write, with what they hold now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
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

    cells: pd.DataFrame

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
    parts = [pd.DataFrame({"row": pd.Series(dtype="int64"), **empty_cells()})]
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
    return pd.concat(parts, ignore_index=True)


def to_rows(cells: pd.DataFrame, *, key_columns: Iterable[str], value: str = "after") -> pd.DataFrame:
    """Turn cells into rows for an import: the project's key columns, then one column per field.

    All cells of the result must be wanted: rows are grouped so that each has the same set of fields.
    """
    wide = cells.pivot(index=list(KEYS), columns="field", values=value)
    order = list(dict.fromkeys(cells["field"]))
    flat = wide[order].reset_index()
    names = dict(zip(KEYS, _four_names(tuple(key_columns)), strict=True))
    flat = flat.rename(columns=names)
    return flat[[*key_columns, *order]].astype("str")


def field_groups(cells: pd.DataFrame) -> Iterable[pd.DataFrame]:
    """Split cells so that all rows of a part have the same fields: an import leaves no cell in between."""
    if cells.empty:
        return []
    fields = cells.groupby(list(KEYS), sort=False)["field"].transform(
        lambda names: "\x1f".join(sorted(names))
    )
    return [part for _, part in cells.groupby(fields, sort=False)]


def _cells(keys: pd.MultiIndex, *, field: str, before: object, after: object) -> pd.DataFrame:
    frame = keys.to_frame(index=False)
    return frame.assign(field=field, before=before, after=after).astype("str")


def _four_names(key_columns: tuple[str, ...]) -> tuple[str, ...]:
    return (key_columns[0], *KEY_NAMES)
