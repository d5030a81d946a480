"""The tally: how many cells a run was given, plans and stops, by field and by event; no values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.plan import KEY_NAMES, keyed

# A file may hold anything in the place of a name, so no page shows a name that the project does not have.
UNKNOWN = "(not in the project)"
TALLIED = ("planned", "unchanged", "stopped")


def tally_cells(
    given: pd.DataFrame | None,
    *,
    planned: pd.DataFrame,
    stopped: pd.DataFrame | None = None,
    dictionary: Dictionary,
    grid: EventGrid,
) -> dict[str, list[list[Any]]]:
    """Count cells as JSON: rows of field, form and `TALLIED` in `fields`, of event and `TALLIED` in `events`.

    `given` is the table of wanted values, None where the run had none; `planned` and `stopped` have
    `CELL_COLUMNS`. All checkboxes of a field count as the field. What was given, and neither planned nor
    stopped, is unchanged.
    """
    stopped = planned.iloc[:0] if stopped is None else stopped
    values = pd.concat([part[part["after"] != ""] for part in (planned, stopped)])
    parts = {
        "planned": _by_place(planned),
        "stopped": _by_place(stopped),
        "given": _values_given(given, dictionary=dictionary),
        "changed": _by_place(values),
    }
    counts = pd.DataFrame(parts).fillna(0).astype("int64").rename_axis(["field", "event"]).reset_index()
    counts["unchanged"] = (counts["given"] - counts["changed"]).clip(lower=0)
    names = {column: item.name for column, item in dictionary.by_column.items()}
    forms = {item.name: item.form for item in dictionary.fields}
    by_field = _summed(counts, by="field", names=names, order=forms)
    by_event = _summed(counts, by="event", names={name: name for name in grid.names}, order=grid.names)
    return {
        "fields": [[name, forms.get(name, ""), *row] for name, row in by_field.items()],
        "events": [[name, *row] for name, row in by_event.items()],
    }


def _by_place(cells: pd.DataFrame) -> pd.Series[int]:
    return cells.groupby(["field", "event"]).size()


def _values_given(given: pd.DataFrame | None, *, dictionary: Dictionary) -> pd.Series[int]:
    """How many values a table has, by column and event."""
    if given is None or given.empty:
        index = pd.MultiIndex.from_arrays([[], []], names=["field", "event"])
        return pd.Series(dtype="int64", index=index)
    table = keyed(given, record_field=dictionary.record_field).fillna("")
    columns = [name for name in table.columns[4:] if name in dictionary.by_column]
    filled = (table[columns] != "").groupby(table[KEY_NAMES[0]].astype("str").str.strip()).sum()
    return pd.Series(filled.T.stack())


def _summed(
    counts: pd.DataFrame, *, by: str, names: Mapping[str, str], order: Iterable[str]
) -> dict[str, list[int]]:
    """The counts by the project's own names, in its order; what it does not have comes last."""
    known = counts[by].map(lambda name: names.get(name, UNKNOWN))
    sums = counts.groupby(known)[list(TALLIED)].sum()
    rows = dict(zip(sums.index, sums.to_numpy().tolist(), strict=True))
    return {name: rows[name] for name in (*order, UNKNOWN) if any(rows.get(name, ()))}
