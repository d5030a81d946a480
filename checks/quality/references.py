"""References: what the export itself is asked: no place twice, and codes chosen as some weeks ago."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby

import pandas as pd

from capstan.dictionary import Dictionary, Field
from capstan.plan import KEY_NAMES
from capstan.quality.expected import Expected, Kind
from capstan.quality.measures import Measure, each_of
from checks.quality.asked import Place, Question

SINCE = timedelta(days=28)
_LEAST_ROWS = 50
_SHARE_OF = "share of "
_LEAST_DIVERGENCE = 0.1
_DOUBT = 20
_HALF = 0.5


def ask_references(history: pd.DataFrame, dictionary: Dictionary, *, today: date) -> Iterator[Question]:
    """Ask the export itself, as the asset `data`; fields that may tell who somebody is are left out.

    So are boxes: they hold 0 where nobody has seen them, too.
    """
    yield _ask_places(), None
    looks = [at for at in history["at"].unique() if at.date() <= today - SINCE]
    if not looks:
        return
    then = history[(history["at"] == max(looks)) & (history["site"] == "")]
    then = then[then["count"] >= _LEAST_ROWS]
    fields = {name: field for name, field in dictionary.by_name.items() if not field.identifier}
    codes = [row for row in each_of(then) if row.measure.startswith(_SHARE_OF) and row.field in fields]
    by_event = {row.field for row in codes if row.event}
    asked = [row for row in codes if row.event or row.field not in by_event]
    for (name, event), own in groupby(sorted(asked, key=_column), key=_column):
        yield _ask_shares(fields[name], list(own), event=event), None


def _column(row: Measure) -> tuple[str, str]:
    return row.field, row.event


def _ask_places() -> Expected:
    return Expected(
        id="places",
        kind=Kind.DUPLICATES,
        severity="critical",
        sentence="No row of a participant stands in the same place as another.",
        asset="data",
        expects="unique",
        columns=("participant", *KEY_NAMES),
    )


def _ask_shares(field: Field, codes: list[Measure], *, event: str) -> Expected:
    place = Place(field.form, field.name, event)
    rows = codes[0].rows
    # A code that nobody chose so far is not impossible.
    whole = rows + _HALF * len(codes)
    reference = sorted(
        (row.measure.removeprefix(_SHARE_OF), (row.value * rows + _HALF) / whole) for row in codes
    )
    few = (len(reference) + _DOUBT) / rows
    return Expected(
        id="/".join(["reference_shares", *place]).rstrip("/"),
        kind=Kind.DRIFT,
        severity="warning",
        sentence=f"Codes are chosen as some weeks ago: {place}.",
        **place._asdict(),
        upper=_LEAST_DIVERGENCE + few,
        asset="data",
        expects="shares",
        column=field.name,
        reference=tuple((code, float(f"{share:.9g}")) for code, share in reference),
    )
