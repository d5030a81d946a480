"""Tables: the wanted values in normal form, each row with its place, beside what REDCap holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from capstan.dictionary import Dictionary
from capstan.plan import KEY_NAMES, KEYS
from capstan.verdict import NO_VERDICTS
from checks import rows
from checks.columns import Bools, Column, Rows, combined, encode, encode_array
from checks.frames import normalise
from checks.sheet import Sheet, compared


class Wanted(NamedTuple):
    """A table to judge: its frame (keyed, text), the sheet of its cells, and verdicts on doubled rows.

    `rows` has the position of each row in the table as it was given.
    """

    frame: pd.DataFrame
    sheet: Sheet
    doubles: pd.DataFrame
    rows: Rows
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
    key_columns = {key: encode(keys[key]) for key in KEYS}
    columns = {name: normal.columns[name] for name in fields}
    surplus, doubles = _doubled(keys, key_columns=key_columns, columns=columns)
    kept = np.flatnonzero(~surplus)
    if surplus.any():
        frame, keys = (part.iloc[kept].reset_index(drop=True) for part in (frame, keys))
    sheet = compared(
        keys,
        key_columns={key: column.of_rows(kept) for key, column in key_columns.items()},
        columns={name: column.of_rows(kept) for name, column in columns.items()},
        present=present,
        zeros=dictionary.zero_columns,
        blanks_erase=blanks_erase,
    )
    bare = _bare(sheet, records=records)
    if bare.any():
        sheet = sheet.with_records(record_field, rows=bare, column=sheet.key_columns["record"])
    if len(doubles):
        touched = pd.MultiIndex.from_frame(keys[sheet.touched])
        doubles = doubles[pd.MultiIndex.from_frame(doubles[list(KEYS)]).isin(touched)]
    return Wanted(frame, sheet, doubles, kept, normal.changed_cells)


def _bare(sheet: Sheet, *, records: frozenset[str]) -> Bools:
    """The rows of new records of which the table says nothing but their id."""
    named = sheet.key_columns["record"]
    new = np.zeros(len(named.texts), dtype=bool)
    for code in np.unique(named.codes[~sheet.touched]):
        new[code] = named.texts[code] not in records
    if new.any():
        new[named.codes[sheet.touched]] = False
    return named.spread(new)


def _doubled(
    keys: pd.DataFrame, *, key_columns: Mapping[str, Column], columns: Mapping[str, Column]
) -> tuple[Bools, pd.DataFrame]:
    """Which rows repeat another word for word, and the verdicts on all whose key stands several times."""
    place = pd.Series(combined(list(key_columns.values())))
    rows_of_doubles = np.flatnonzero(place.duplicated(keep=False))
    surplus = np.zeros(len(keys), dtype=bool)
    if not rows_of_doubles.size:
        return surplus, NO_VERDICTS
    place = place.iloc[rows_of_doubles]
    # Only rows that share a key can be alike: to compare all would cost more than all the rest.
    every = (*key_columns.values(), *columns.values())
    whole = [encode_array(column.taken(rows_of_doubles)) for column in every]
    again = pd.Series(combined(whole), index=place.index).duplicated()
    surplus[rows_of_doubles] = again
    agreeing = (~again).groupby(place).transform("sum") == 1
    return surplus, rows.judge_duplicates(
        keys.iloc[rows_of_doubles], same=agreeing, surplus=place.duplicated()
    )


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
    whole = used["redcap_repeat_instance"].str.fullmatch(rows.WHOLE.pattern)
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
