"""Identity: one person, one record; and each record in its own access group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.plan import KEY_NAMES, KEYS
from capstan.study import Checks
from capstan.verdict import Severity, collected, verdicts
from checks.catalogue import severity

GROUP_COLUMN = "redcap_data_access_group"


def judge_identities(cells: pd.DataFrame, *, present: pd.DataFrame | None, checks: Checks) -> pd.DataFrame:
    """Stop values of unique fields that another record has, and warn of records that look like one person.

    `cells` would be written; `present` is a keyed frame of these fields of all records, None where the gate
    was not told: then records are compared only among `cells`.
    """
    if cells.empty or not (checks.unique or checks.same_person):
        return collected([])
    return collected(
        [
            *_collisions(cells, present=present, fields=checks.unique),
            *_persons(cells, present, checks.same_person),
        ]
    )


def judge_groups(
    wanted: pd.DataFrame,
    *,
    keys: pd.DataFrame,
    rows: npt.NDArray[np.int64],
    groups: Mapping[str, str] | None,
) -> pd.DataFrame:
    """Stop rows that name another access group than their record's (`groups`).

    `rows` has the position in `wanted` of each row of `keys`. Where the groups are not known, a group that is
    named is only warned of, because Capstan does not write it.
    """
    if GROUP_COLUMN not in wanted.columns:
        return collected([])
    named = wanted[GROUP_COLUMN].fillna("").astype("str").str.strip().iloc[rows].reset_index(drop=True)
    check = "dag_mismatch"
    if groups is None:
        reason = "Capstan does not write access groups; assign the record to its group in REDCap."
        found = keys[(named != "").to_numpy()]
        return verdicts(found, check=check, severity=Severity.WARNING, reason=reason, field=GROUP_COLUMN)
    own = keys["record"].map(dict(groups)).fillna("")
    reason = "The record is in another access group; correct the group, or move the record in REDCap."
    other = keys[((named != "") & (named != own)).to_numpy()]
    return verdicts(other, check=check, severity=severity(check), reason=reason, field=GROUP_COLUMN)


def _collisions(
    cells: pd.DataFrame, *, present: pd.DataFrame | None, fields: Sequence[str]
) -> Iterator[pd.DataFrame]:
    chosen = cells[cells["field"].isin(fields) & (cells["after"] != "")]
    owners = chosen[["field", "after", "record"]].set_axis(["field", "value", "record"], axis=1)
    held = _long(present, fields=fields)
    moved = pd.MultiIndex.from_frame(held[list(KEYS[:1])].assign(field=held["field"])).isin(
        pd.MultiIndex.from_frame(chosen[["record", "field"]])
    )
    # A record that gives its old value up does not stand in the way of another that takes it.
    both = pd.concat([owners, held.loc[~moved, ["field", "value", "record"]]])
    distinct = both.assign(value=_folded(both["value"])).drop_duplicates()
    count = distinct.groupby(["field", "value"])["record"].size()
    at = pd.MultiIndex.from_arrays([chosen["field"], _folded(chosen["after"])])
    taken = chosen[(count.reindex(at) > 1).to_numpy()]
    reason = "Another record has this value, here or in the project, and the study wants it unique."
    check = "identifier_collision"
    yield verdicts(taken, check=check, severity=severity(check), reason=reason)


def _persons(
    cells: pd.DataFrame, present: pd.DataFrame | None, fields: Sequence[str]
) -> Iterator[pd.DataFrame]:
    if not fields or not cells["field"].isin(fields).any():
        return
    told = cells[cells["field"].isin(fields)][["record", "field", "after"]]
    new = told.set_axis(["record", "field", "value"], axis=1)
    # What is new comes last, and the last counts.
    whole = pd.concat([_long(present, fields=fields)[["record", "field", "value"]], new])
    wide = whole.drop_duplicates(["record", "field"], keep="last").pivot(
        index="record", columns="field", values="value"
    )
    wide = wide.reindex(columns=list(fields)).fillna("")
    full = wide[(wide != "").all(axis=1)].apply(_folded)
    twins = full.index[full.duplicated(keep=False)]
    rows = cells[cells["record"].isin(twins) & cells["field"].isin(fields)].drop_duplicates(list(KEYS))
    reason = (
        "Another record agrees with this one in " + ", ".join(fields) + "; see whether they are one person."
    )
    check = "probable_duplicate_person"
    yield verdicts(rows, check=check, severity=severity(check), reason=reason, field="")


def _long(present: pd.DataFrame | None, *, fields: Sequence[str]) -> pd.DataFrame:
    """The values of some fields, one a row: record, field, value; blanks left out."""
    if present is None:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in ("record", "field", "value")})
    there = [name for name in fields if name in present.columns and name not in KEY_NAMES]
    held = present.rename(columns={str(present.columns[0]): "record"})
    long = held.melt(id_vars=["record"], value_vars=there, var_name="field", value_name="value")
    return long[long["value"] != ""].astype("str")


def _folded(values: pd.Series) -> pd.Series:
    """Values as they compare: without letters' case, and numbers without the signs between their digits."""
    digits = values.str.replace(r"[\s().-]+", "", regex=True)
    # A North American number is the same with its country code and without.
    digits = digits.mask(digits.str.fullmatch(r"\+?1[2-9][0-9]{2}[2-9][0-9]{6}"), digits.str[-10:])
    return digits.where(digits.str.fullmatch(r"\+?[0-9]+"), values.str.casefold())
