"""The catalogue: every check by its id, how far it reaches, what it means, and what to do about it."""

from __future__ import annotations

from types import MappingProxyType

import pandas as pd

from capstan.verdict import Severity, project_verdict, verdicts
from checks.catalogue import meaning, partners, places, runs, values
from checks.catalogue.entry import Entry as Entry

CATALOGUE = MappingProxyType(
    {
        **places.STRUCTURE,
        **places.ROWS,
        **places.PLACES,
        **values.VALUES,
        **meaning.LOGIC,
        **runs.CHANGES,
        **runs.RUN,
        **partners.PARTNERS,
    }
)


def entry_of(check: str) -> Entry:
    """The entry of a check; a study's own rules of quality, which are in no catalogue, share one."""
    return CATALOGUE.get(check, meaning.CUSTOM)


def severity(check: str) -> Severity:
    """How far a check reaches."""
    return CATALOGUE[check].severity


def say(
    check: str, where: pd.DataFrame, *, reason: str | pd.Series, field: str | None = None
) -> pd.DataFrame:
    """Say a check of many places: `where` has the four keys, and `field` unless one is given."""
    return verdicts(where, check=check, severity=severity(check), reason=reason, field=field)


def say_of_run(check: str, reason: str, *, field: str = "") -> pd.DataFrame:
    """Say a check of the run as a whole, or of a field in all of it."""
    return project_verdict(check, severity=severity(check), reason=reason, field=field)
