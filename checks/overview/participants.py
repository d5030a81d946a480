"""Participants of an export, one row each: what logic says of them, and which site is theirs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.expected_rows import with_expected_rows
from capstan.logic import Layout, Table, parse
from capstan.periods import Dates, read_dates
from capstan.plan import KEY_NAMES
from checks.identity import GROUP_COLUMN

NO_SITE = "no site"


class Participants:
    """Every record of a keyed export, asked on one of its events, be there data or not."""

    def __init__(self, frame: pd.DataFrame, layout: Layout, *, events: Iterable[str], now: datetime) -> None:
        """Lay out an export for questions on some events; `now` is aware, in the study's zone."""
        self.records = pd.Index(frame[layout.record_field].unique())
        self.sites = sites_of_records(frame, self.records, record_field=layout.record_field)
        self._now, self._layout = now, layout
        wanted = [
            pd.DataFrame({"record": self.records, "event": event}, dtype="str")
            for event in sorted({event for event in events if event or not layout.events})
        ]
        none = pd.DataFrame({"record": [], "event": []}, dtype="str")
        expected = with_expected_rows(
            frame.reset_index(drop=True), pd.concat([none, *wanted], ignore_index=True), layout=layout
        )
        self._expected, self.table = expected, expected.table

    def hold(self, logic: str, *, event: str) -> npt.NDArray[np.bool_]:
        """For whom an expression holds on an event; on a record's first row if it is blank."""
        rows = self._rows(event)
        return self.table.truth(parse(logic), now=self._now, rows=rows).to_numpy(dtype=bool)

    def dates(self, logic: str, *, event: str) -> Dates:
        """The day that an expression gives for each, NaT for none."""
        return read_dates(self.table.evaluate(parse(logic), now=self._now, rows=self._rows(event)))

    def _rows(self, event: str) -> pd.Index:
        if event or not self._layout.events:
            return pd.Index(self._expected.rows_of(self.records, np.full(len(self.records), event)))
        return first_rows(self.table, self._layout)


def first_rows(table: Table, layout: Layout) -> pd.Index:
    """The label of each record's first row."""
    return table.data.index[~table.data[layout.record_field].duplicated()]


def sites_of_records(
    frame: pd.DataFrame, records: pd.Index[str], *, record_field: str
) -> npt.NDArray[np.object_]:
    """The site (access group) of each record, "" in a project that has none."""
    if GROUP_COLUMN not in frame.columns or not (frame[GROUP_COLUMN] != "").any():
        return np.full(len(records), "", dtype=object)
    known = frame[frame[GROUP_COLUMN] != ""].drop_duplicates(record_field)
    return named_sites(known.set_index(record_field)[GROUP_COLUMN].reindex(records)).to_numpy()


def named_sites(sites: pd.Series[str]) -> pd.Series[str]:
    """Sites (blank for none) with a word for none, unless there are no sites at all."""
    known = sites.astype(object).where(sites.notna(), "")
    return known.where(known != "", NO_SITE) if (known != "").any() else known


def base_values(frame: pd.DataFrame, field: str, *, record_field: str) -> pd.DataFrame:
    """The first value of a field in each event of each record: `record`, `event`, `value`."""
    keys = [record_field, KEY_NAMES[0]]
    given = frame.loc[frame[field] != "", [*keys, field]].drop_duplicates(keys)
    return given.set_axis(["record", "event", "value"], axis=1)
