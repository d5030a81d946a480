"""The export of a flow that takes all participants, or only those for whom triggers asked."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from flows.job import Job
from tasks.judging import refuse_empty
from tasks.redcap import export_records, list_records


def export_asked(
    current: Job, *, fields: Collection[str], triggered: bool
) -> tuple[pd.DataFrame, frozenset[str]]:
    """Export fields of all records, or of those that triggers named; gives the ids of all records too.

    Raises Refused where the project has suddenly no records.
    """
    live = current.live
    records = list_records(live) if triggered else None
    export = export_records(
        live, fields=fields, records=None if records is None else current.asked_records & records
    )
    known = frozenset(export[live.dictionary.record_field]) if records is None else records
    refuse_empty(live, records=known, now=current.now, may_be_new=False)
    return export, known
