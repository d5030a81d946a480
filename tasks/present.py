"""Present: what REDCap holds of a table that a person wants to import."""

from __future__ import annotations

import pandas as pd

from capstan.needs import identity_fields
from checks.case import Present
from checks.frames import normal_form
from tasks.connections import LiveProject
from tasks.redcap import export_records, list_records


def read_present(live: LiveProject, table: pd.DataFrame) -> Present:
    """Read the records that a table names, the ids of all records, and what tells all of them apart."""
    records = list_records(live)
    named = _named_records(table, record_field=live.dictionary.record_field)
    telling = identity_fields(live.study)
    return Present(
        export_records(live, records=named & records),
        records,
        identifiers=export_records(live, fields=telling) if telling else None,
    )


def _named_records(table: pd.DataFrame, *, record_field: str) -> frozenset[str]:
    """The records that a table names; none where it does not have that column exactly once."""
    if list(table.columns).count(record_field) != 1:
        return frozenset()
    return frozenset(normal_form(table[record_field]))
