"""Tables: the wanted values in normal form, each row with its place, beside what REDCap holds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.dictionary import Dictionary
from capstan.plan import KEY_NAMES, KEYS
from checks import rows
from checks.frames import normalise
from checks.placement import WHOLE
from checks.sheet import Column, Sheet, compared, encode


class Wanted(NamedTuple):
    """A table to judge: its frame (keyed, text), the sheet of its cells, and verdicts on doubled rows.

    `rows` has the position of each row in the table as it was given.
    """

    frame: pd.DataFrame
    sheet: Sheet
    doubles: pd.DataFrame
    rows: npt.NDArray[np.int64]
    tidied_cells: int


def read_wanted(
    wanted: pd.DataFrame,
    *,
    present: pd.DataFrame,
    records: frozenset[str],
    dictionary: Dictionary,
    blanks_erase: bool,
) -> Wanted:
    """Bring a table of known columns into normal form and find the cells that differ from `present`.

    A new record without any other value is a cell of its record id.
    """
    normal = normalise(wanted)
    record_field = dictionary.record_field
    names = [record_field, *KEY_NAMES]
    missing = {name: "" for name in names if name not in normal.frame.columns}
    frame = normal.frame.assign(**missing) if missing else normal.frame
    fields = [name for name in normal.columns if name not in names]
    frame = _numbered(frame[[*names, *fields]], present=present)
    keys = frame[names].set_axis(list(KEYS), axis=1)
    surplus, agreeing = _doubled(frame, keys=keys)
    doubles = rows.judge_duplicates(keys, same=agreeing)
    kept = np.flatnonzero(~surplus)
    columns = {name: _of_rows(normal.columns[name], rows=kept) for name in fields}
    if surplus.any():
        frame, keys = (part.iloc[kept].reset_index(drop=True) for part in (frame, keys))
    sheet = compared(
        keys, columns=columns, present=present, zeros=dictionary.zero_columns, blanks_erase=blanks_erase
    )
    named = encode(keys["record"])
    told = {named.texts[code] for code in np.unique(named.codes[sheet.touched])}
    bare = ~named.among(records | told)
    if bare.any():
        sheet = sheet.with_records(
            record_field, rows=bare, column=_of_rows(normal.columns[record_field], rows=kept)
        )
    if len(doubles):
        touched = pd.MultiIndex.from_frame(keys[sheet.touched])
        doubles = doubles[pd.MultiIndex.from_frame(doubles[list(KEYS)]).isin(touched)]
    return Wanted(frame, sheet, doubles, kept, normal.changed_cells)


def _of_rows(column: Column, *, rows: npt.NDArray[np.int64]) -> Column:
    return column if len(rows) == len(column.codes) else column._replace(codes=column.codes[rows])


def _doubled(frame: pd.DataFrame, *, keys: pd.DataFrame) -> tuple[npt.NDArray[np.bool_], pd.Series]:
    """Which rows repeat another word for word, and whether all rows of a row's key agree in every cell."""
    surplus = np.zeros(len(frame), dtype=bool)
    agreeing = pd.Series(True, index=frame.index)
    double = keys.duplicated(keep=False)
    if double.any():
        # Only rows that share a key can be alike: comparing all would cost more than all the rest.
        again = frame[double].duplicated()
        surplus[np.flatnonzero(double)] = again.to_numpy()
        versions = (~again).groupby([keys.loc[double, key] for key in KEYS]).transform("sum")
        agreeing[double] = versions == 1
    return surplus, agreeing


def _numbered(table: pd.DataFrame, *, present: pd.DataFrame) -> pd.DataFrame:
    """Give rows with the instance `new` the numbers that REDCap would give them: the next free ones.

    A row whose values an instance has already is taken for that one: importing a file again, after a crash
    or by mistake, adds nothing.
    """
    fresh = table["redcap_repeat_instance"].str.lower() == "new"
    if not fresh.any():
        return table
    numbered = table.copy()
    numbered.loc[fresh, "redcap_repeat_instance"] = _known_instances(table[fresh], present=present)
    fresh &= numbered["redcap_repeat_instance"] == ""
    group = list(table.columns[:3])
    used = pd.concat([present[list(table.columns[:4])], numbered.loc[~fresh, list(table.columns[:4])]])
    whole = used["redcap_repeat_instance"].str.fullmatch(WHOLE)
    number = pd.to_numeric(used["redcap_repeat_instance"].where(whole, "0"))
    last = number.groupby([used[name] for name in group]).max()
    places = pd.MultiIndex.from_frame(numbered.loc[fresh, group])
    start = last.reindex(places).fillna(0).to_numpy(dtype="int64")
    counted = start + numbered.loc[fresh].groupby(group).cumcount().to_numpy() + 1
    numbered.loc[fresh, "redcap_repeat_instance"] = counted.astype(str)
    return numbered


def _known_instances(new: pd.DataFrame, *, present: pd.DataFrame) -> list[str]:
    """The instance that holds a new row's values already, "" where none does; each is taken once."""
    shared = [name for name in new.columns[4:] if name in present.columns]
    group = list(new.columns[:3])
    held = present[present["redcap_repeat_instance"] != ""]
    instances = {place: rows.to_dict("records") for place, rows in held.groupby(group, sort=False)}
    found = []
    for row in new.to_dict("records"):
        there = instances.get(tuple(row[name] for name in group), [])
        told = [name for name in shared if row[name] != ""]
        fits = (one for one in there if told and all(one[name] == row[name] for name in told))
        match = next(fits, None)
        if match is not None:
            there.remove(match)
        found.append(str(match["redcap_repeat_instance"]) if match else "")
    return found
