"""The verdict: what one check says of one cell or row, and what a gate decides from all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import pandas as pd

from capstan.plan import KEYS

VERDICT_COLUMNS = (*KEYS, "field", "check", "severity", "reason")
# What a verdict gets once it is known where the project's forms are.
LINK = "link"

NO_VERDICTS = pd.DataFrame({name: pd.Series(dtype="str") for name in VERDICT_COLUMNS})


class Severity(StrEnum):
    """How far a verdict reaches."""

    FATAL = "fatal"  # the run is refused
    HOLD = "hold"  # the run waits for a person
    ERROR = "error"  # the row is stopped
    WARNING = "warning"  # the row is written, and somebody should look
    NOTE = "note"  # for the record


class Decision(StrEnum):
    """What becomes of a run: write, wait for a person, or write nothing."""

    APPLY = "APPLY"
    HOLD = "HOLD"
    REFUSE = "REFUSE"


def verdicts(
    places: pd.DataFrame, *, check: str, severity: Severity, reason: str | pd.Series, field: str | None = None
) -> pd.DataFrame:
    """Say one check of many places: `places` has the four keys, and `field` unless one is given."""
    if places.empty:
        return NO_VERDICTS
    where = places[list(KEYS)].copy()
    where["field"] = places["field"].to_numpy() if field is None else field
    where["check"] = check
    where["severity"] = severity.value
    where["reason"] = reason.to_numpy() if isinstance(reason, pd.Series) else reason
    return where.astype("str")


def project_verdict(check: str, *, severity: Severity, reason: str, field: str = "") -> pd.DataFrame:
    """Say one check of the run as a whole: its keys are blank."""
    nowhere = pd.DataFrame({key: [""] for key in KEYS})
    return verdicts(nowhere, check=check, severity=severity, reason=reason, field=field)


def collected(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """One frame of all verdicts, with the right columns even where there are none."""
    said = [part for part in parts if len(part)]
    return pd.concat(said, ignore_index=True) if said else NO_VERDICTS


def of_severity(found: pd.DataFrame, *severities: Severity) -> pd.DataFrame:
    """The verdicts of some severities."""
    return found[found["severity"].isin([severity.value for severity in severities])]


def stopping(found: pd.DataFrame) -> pd.DataFrame:
    """The verdicts that stop a row, or the run."""
    return of_severity(found, Severity.FATAL, Severity.HOLD, Severity.ERROR)


def rows_by_check(found: pd.DataFrame) -> Mapping[str, int]:
    """How many distinct rows each check named."""
    distinct = found.drop_duplicates([*KEYS, "check"])
    return {str(check): int(count) for check, count in sorted(distinct["check"].value_counts().items())}
