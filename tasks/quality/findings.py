"""Findings: what is wrong in a project, with its form, its site and what the cell holds."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import numpy as np
import pandas as pd

from capstan.plan import KEY_NAMES, KEYS, row_index
from capstan.quality.expected import Expected
from capstan.store.query_rows import FINDING_COLUMNS
from capstan.verdict import Severity
from checks.quality.asked import names_of
from tasks.connections import LiveProject
from tasks.report.visits import sites_in

_QUERIED = frozenset(each.value for each in (Severity.FATAL, Severity.HOLD, Severity.ERROR, Severity.WARNING))
_SEVERITIES = MappingProxyType(
    {"critical": Severity.ERROR.value, "warning": Severity.WARNING.value, "info": Severity.NOTE.value}
)


def findings_of(live: LiveProject, verdicts: pd.DataFrame, *, export: pd.DataFrame) -> pd.DataFrame:
    """The verdicts on rows (`VERDICT_COLUMNS`) that become queries, as `FINDING_COLUMNS`.

    `export` is what was judged. What stands in the query instrument itself is no finding.
    """
    forms = {column: field.form for column, field in live.dictionary.by_column.items()}
    forms |= {field.name: field.form for field in live.dictionary.fields}
    instrument = live.study.quality.queries.instrument
    named = verdicts[verdicts["record"] != ""]
    # A row as a whole is of its repeating instrument.
    places = zip(named["field"], named["instrument"], strict=True)
    named = named.assign(form=[forms.get(name, "") or repeating for name, repeating in places])
    if instrument:
        named = named[named["form"] != instrument.name]
    chosen = named[_is_queried(live, named)]
    record_field = live.dictionary.record_field
    sites = sites_in(export, record_field=record_field).to_dict()
    found = chosen.assign(
        site=[sites.get(record, "") for record in chosen["record"]],
        content=_contents(chosen, export=export, record_field=record_field),
    )
    return found[list(FINDING_COLUMNS)].astype("str").reset_index(drop=True)


def project_findings(live: LiveProject, failed: Iterable[Expected]) -> pd.DataFrame:
    """The expectations that are not met as `FINDING_COLUMNS`: they have no record."""
    wanted = frozenset(live.study.quality.queries.checks)
    rows = [
        {
            **dict.fromkeys(FINDING_COLUMNS, ""),
            **{name: getattr(one, name) for name in ("event", "field", "form", "site")},
            "check": one.id,
            "severity": _SEVERITIES[one.severity],
            "reason": one.sentence,
        }
        for one in failed
        if (names_of(one) & wanted if wanted else one.severity != "info")
    ]
    return pd.DataFrame(rows, columns=list(FINDING_COLUMNS), dtype="str")


def _is_queried(live: LiveProject, verdicts: pd.DataFrame) -> pd.Series[bool]:
    wanted = live.study.quality.queries.checks
    if wanted:
        return verdicts["check"].isin(list(wanted))
    return verdicts["severity"].isin(list(_QUERIED))


def _contents(verdicts: pd.DataFrame, *, export: pd.DataFrame, record_field: str) -> pd.Series[str]:
    """What the cell of each verdict holds; blank for a row as a whole."""
    rows = export.drop_duplicates([record_field, *KEY_NAMES])
    position = row_index(rows, record_field=record_field).get_indexer(
        pd.MultiIndex.from_frame(verdicts[list(KEYS)])
    )
    found = np.full(len(verdicts), "", dtype=object)
    for name in verdicts["field"].unique():
        if name in rows.columns:
            is_it = (verdicts["field"] == name).to_numpy() & (position >= 0)
            found[is_it] = rows[name].to_numpy(dtype=object)[position[is_it]]
    return pd.Series(found, index=verdicts.index, dtype="str")
