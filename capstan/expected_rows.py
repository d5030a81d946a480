"""Expected rows: an export with a row in every place that a rule asks about, data or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.logic import Layout, Table
from capstan.plan import KEY_NAMES


@dataclass(frozen=True, eq=False, repr=False)
class ExpectedRows:
    """A table in which every expected place has a row; rows from `first_added` on have no data.

    `places` are the (record, event) of the table's rows `numbers`.
    """

    table: Table
    places: pd.MultiIndex
    numbers: npt.NDArray[np.intp]
    first_added: int

    def rows_of(self, records: npt.ArrayLike, events: npt.ArrayLike) -> npt.NDArray[np.intp]:
        """The table's row numbers of places that were expected."""
        wanted = pd.MultiIndex.from_arrays([np.asarray(records), np.asarray(events)])
        return np.asarray(self.numbers[self.places.get_indexer(wanted)])


def with_expected_rows(frame: pd.DataFrame, wanted: pd.DataFrame, *, layout: Layout) -> ExpectedRows:
    """Add blank rows to a keyed export for the places of `wanted` (record, event) that it lacks."""
    keys = [layout.record_field, KEY_NAMES[0]]
    present = frame.loc[is_base(frame), keys]
    stacked = pd.concat([present, wanted.set_axis(keys, axis=1)], ignore_index=True).drop_duplicates()
    added = stacked[stacked.index >= len(present)].reindex(columns=frame.columns, fill_value="")
    whole = pd.concat([frame, added.astype("str")], ignore_index=True)
    base = whole.loc[is_base(whole), keys].drop_duplicates()
    places = pd.MultiIndex.from_frame(base)
    return ExpectedRows(Table(whole, layout), places, base.index.to_numpy(), len(frame))


def is_base(frame: pd.DataFrame) -> pd.Series[bool]:
    """Rows that stand for an event: the first instance where the event repeats."""
    return (frame[KEY_NAMES[1]] == "") & frame[KEY_NAMES[2]].isin(["", "1"])
