"""Repeats: rows of a form that hold, word for word, what another row holds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from capstan.quality.measures import Measure
from checks.quality.export import Export, Mask

_LEAST_CELLS = 3


def measure_repeats(export: Export) -> Iterator[Measure]:
    """Measure of each form the share of rows whose content stands in another row, and the chance of it.

    It counts within an event. The chance is that of two people answering alike, were the fields independent;
    half of them are taken to depend on the others.
    """
    for form in export.dictionary.forms:
        columns = [name for name in export.columns_of(form) if name in export.filled]
        if len(columns) < _LEAST_CELLS:
            continue
        told = np.sum([export.filled[name] for name in columns], axis=0)
        asked = export.started[form] & (told >= _LEAST_CELLS)
        if asked.any():
            yield from export.means(
                "repeated", np.where(asked, _repeated(export, columns), np.nan), form=form
            )
            chance = _chance(export.frame.loc[asked, columns])
            yield Measure("repeated by chance", form, "", "", "", chance, int(asked.sum()))


def _repeated(export: Export, columns: list[str]) -> Mask:
    prints = pd.util.hash_pandas_object(export.frame[columns], index=False)
    rows = pd.DataFrame({"event": export.events.codes, "print": prints.to_numpy()})
    return rows.duplicated(keep=False).to_numpy()


def _chance(rows: pd.DataFrame) -> float:
    """The share of rows that would have a double by chance."""
    logs = [np.log((rows[name].value_counts(normalize=True) ** 2).sum()) for name in rows.columns]
    return float(min(1.0, len(rows) * np.exp(sum(logs) / 2)))
