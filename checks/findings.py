"""Findings: what a check says of rows of a sheet, and the verdicts that come of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]

from capstan.plan import KEYS
from capstan.verdict import NO_VERDICTS, Severity
from checks.catalogue import severity
from checks.columns import Column, Rows


class Finding(NamedTuple):
    """One check that says one thing of some rows (positions in a sheet) of a column; "" is the whole row.

    `severity` is the catalogue's unless given.
    """

    check: str
    rows: Rows
    field: str
    reason: str
    severity: Severity | None = None

    @property
    def reach(self) -> Severity:
        """How far the finding reaches."""
        return self.severity or severity(self.check)


def as_verdicts(findings: Sequence[Finding], *, keys: Mapping[str, Column]) -> pd.DataFrame:
    """Write findings as verdicts; `keys` has the four keys of each row of the sheet, by name."""
    said = [finding for finding in findings if len(finding.rows)]
    if not said:
        return NO_VERDICTS
    number = pa.array(np.repeat(np.arange(len(said)), [len(finding.rows) for finding in said]))
    at = np.concatenate([finding.rows for finding in said])
    told = {
        "field": [finding.field for finding in said],
        "check": [finding.check for finding in said],
        "severity": [finding.reach.value for finding in said],
        "reason": [finding.reason for finding in said],
    }
    places = {key: keys[key].taken(at) for key in KEYS}
    texts = {name: pa.array(parts, pa.large_string()).take(number) for name, parts in told.items()}
    return pd.DataFrame({name: column.to_pandas() for name, column in {**places, **texts}.items()})


def stopped_rows(findings: Sequence[Finding]) -> Rows:
    """The rows that findings stop."""
    stopped = [finding.rows for finding in findings if finding.reach is Severity.ERROR]
    return np.concatenate(stopped) if stopped else np.zeros(0, dtype=np.int64)
