"""Eligibility: who meets a study's criteria, and why others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.choices import to_codes
from capstan.logic import Expression, Layout, Reference, Table, parse
from capstan.plan import KEY_NAMES

if TYPE_CHECKING:
    from capstan.study import Study

PARTICIPANT_COLUMNS = ("record", "event", "status", "reasons")
ALL_MET = "all criteria met"
CRITERION_COLUMNS = ("criterion", "met", "not_met", "undetermined")


class EligibilityStatus(StrEnum):
    """What the criteria say of a participant."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, eq=False)
class EligibilityResult:
    """`participants`: one text row per record, `PARTICIPANT_COLUMNS`; `criteria`: counts per criterion.

    A criterion is undetermined for participants who do not meet it and lack a value that it asks for.
    """

    participants: pd.DataFrame
    criteria: pd.DataFrame


def check_eligibility(study: Study, table: Table, *, now: datetime) -> EligibilityResult:
    """Judge every record that has a row on the eligibility event (any base row in a classic project).

    Eligible who meets all criteria; undetermined who lacks values for each criterion that is not met;
    ineligible who fails a criterion with all its values given. Reasons are those of criteria not met,
    joined by "; ". `table` holds a keyed export; `now` is aware.
    Raises LogicError for a criterion that cannot be read or names what the project lacks.
    """
    data, rules = table.data, study.eligibility
    base = (data[KEY_NAMES[1]] == "") & data[KEY_NAMES[2]].isin(["", "1"])
    if table.layout.events:
        base &= data[KEY_NAMES[0]] == rules.event
    rows = data.index[base]
    local = now.astimezone(study.zone)
    met = np.ones((len(rows), len(rules.criteria)), dtype=bool)
    lacking = np.zeros_like(met)
    for column, criterion in enumerate(rules.criteria):
        expression = parse(criterion.rule)
        met[:, column] = table.truth(expression, now=local, rows=rows)
        lacking[:, column] = _lacks_value(expression, table=table, rows=rows, now=local)
    participants = pd.DataFrame(
        {
            "record": data.loc[rows, table.layout.record_field].to_numpy(),
            "event": data.loc[rows, KEY_NAMES[0]].to_numpy(),
            "status": _status(met, lacking=lacking),
            "reasons": _reasons(met, said=[criterion.reason for criterion in rules.criteria]),
        },
        dtype="str",
    )
    names = [criterion.id for criterion in rules.criteria]
    return EligibilityResult(participants, _counts(met, lacking=lacking, names=names))


def wanted_eligibility(study: Study, result: EligibilityResult, *, layout: Layout) -> pd.DataFrame:
    """Turn the result into a keyed frame of what the project should hold, for `plan.compare`.

    Without reasons the text is `ALL_MET`: a blank would leave old reasons standing.
    Raises StudyError for a status that the field lacks.
    """
    rows, write = result.participants, study.eligibility.write
    rows = rows.assign(reasons=rows["reasons"].where(rows["status"] != EligibilityStatus.ELIGIBLE, ALL_MET))
    keys = {layout.record_field: rows["record"], KEY_NAMES[0]: rows["event"]}
    wanted = pd.DataFrame({**keys, KEY_NAMES[1]: "", KEY_NAMES[2]: ""}, dtype="str")
    for column, field in write.model_dump().items():
        if field:
            wanted[field] = to_codes(rows[column], field=field, layout=layout)
    return wanted


def _lacks_value(
    expression: Expression, *, table: Table, rows: pd.Index[int], now: datetime
) -> npt.NDArray[np.bool_]:
    lacks = np.zeros(len(rows), dtype=bool)
    for reference in expression.references:
        value = table.evaluate(parse(_written(reference)), now=now, rows=rows)
        lacks |= (value == "").to_numpy()
    return lacks


def _written(reference: Reference) -> str:
    code = f"({reference.code})" if reference.code else ""
    modifier = f":{reference.modifier}" if reference.modifier else ""
    parts = (reference.event, f"{reference.field}{code}{modifier}", reference.instance)
    return "".join(f"[{part}]" for part in parts if part)


def _status(met: npt.NDArray[np.bool_], *, lacking: npt.NDArray[np.bool_]) -> npt.NDArray[np.object_]:
    fails = (~met & ~lacking).any(axis=1)
    found = np.where(fails, EligibilityStatus.INELIGIBLE.value, EligibilityStatus.UNDETERMINED.value)
    return np.where(met.all(axis=1), EligibilityStatus.ELIGIBLE.value, found).astype(object)


def _reasons(met: npt.NDArray[np.bool_], *, said: Sequence[str]) -> npt.NDArray[np.object_]:
    patterns, codes = np.unique(met, axis=0, return_inverse=True)
    texts = ["; ".join(said[int(place)] for place in np.flatnonzero(~pattern)) for pattern in patterns]
    return np.array(texts, dtype=object)[codes]


def _counts(
    met: npt.NDArray[np.bool_], *, lacking: npt.NDArray[np.bool_], names: Sequence[str]
) -> pd.DataFrame:
    counts = (met.sum(axis=0), (~met & ~lacking).sum(axis=0), (~met & lacking).sum(axis=0))
    columns = dict(zip(CRITERION_COLUMNS[1:], counts, strict=True))
    return pd.DataFrame({CRITERION_COLUMNS[0]: pd.Series(names, dtype="str"), **columns})
