"""Present: what REDCap holds of a table that a person wants to import."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from capstan.needs import identity_fields
from capstan.plan import KEYS, as_table
from checks.case import Present
from checks.frames import normal_form
from checks.identity import GROUP_COLUMN
from tasks.connections import LiveProject
from tasks.redcap import export_records, list_records, read_records


def read_present(live: LiveProject, table: pd.DataFrame) -> Present:
    """Read the records that a table names, the ids of all records, and what tells all of them apart."""
    records = list_records(live)
    named = _named_records(table, record_field=live.dictionary.record_field)
    telling = identity_fields(live.study)
    return Present(
        export_records(live, records=named & records),
        records,
        identifiers=export_records(live, fields=telling) if telling else None,
        groups=_groups(live, records=named & records) if GROUP_COLUMN in table.columns else None,
    )


def read_present_of(live: LiveProject, cells: pd.DataFrame) -> Present:
    """Do what `read_present` does for cells (`capstan.plan.CELL_COLUMNS`)."""
    return read_present(live, cells.rename(columns={"record": live.dictionary.record_field}))


def table_of(live: LiveProject, cells: pd.DataFrame, *, present: Present) -> pd.DataFrame:
    """Write cells as a table to import: the key columns of the project's imports, then the fields."""
    table = as_table(cells, present=present.frame, record_field=live.dictionary.record_field)
    return table[list(dict.fromkeys([*live.key_columns, *table.columns[len(KEYS) :]]))]


def _groups(live: LiveProject, *, records: frozenset[str]) -> Mapping[str, str] | None:
    """The access group of each record; None where there are none, or the token's user may not see them."""
    record_field = live.dictionary.record_field
    rows = read_records(live, fields=[record_field], records=records, access_groups=True)
    if GROUP_COLUMN not in rows.columns:
        return None
    return dict(zip(rows[record_field], rows[GROUP_COLUMN], strict=True))


def _named_records(table: pd.DataFrame, *, record_field: str) -> frozenset[str]:
    """The records that a table names; none where it does not have that column exactly once."""
    if list(table.columns).count(record_field) != 1:
        return frozenset()
    return frozenset(normal_form(table[record_field]))
