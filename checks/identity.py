"""Identity: one person, one record; and each record in its own access group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.plan import KEYS
from capstan.study import Checks
from capstan.verdict import Severity, collected, verdicts
from checks.catalogue import say, severity
from checks.columns import Bools

GROUP_COLUMN = "redcap_data_access_group"
_VALUE = ["field", "value"]
_OWNED = [*_VALUE, "record"]


def judge_identities(cells: pd.DataFrame, *, present: pd.DataFrame | None, checks: Checks) -> pd.DataFrame:
    """Stop values of unique fields that another record has, and warn of records that look like one person.

    `cells` would be written; `present` is a keyed frame of these fields of all records, None where the gate
    was not told: then records are compared only among `cells`.
    """
    return collected(
        [
            judge_unique(cells, present=present, fields=checks.unique),
            *_persons(cells, present=present, fields=checks.same_person),
        ]
    )


def judge_unique(cells: pd.DataFrame, *, present: pd.DataFrame | None, fields: Sequence[str]) -> pd.DataFrame:
    """Stop values of unique fields that another record has; `cells` and `present` as `judge_identities`.

    Cells that share `row` fall together.
    """
    changed = cells[cells["field"].isin(fields)]
    claims = changed[changed["after"] != ""]
    if claims.empty:
        return collected([])
    claims = claims.assign(value=_folded(claims["after"]))
    held = _long(present, fields=fields).assign(value=lambda long: _folded(long["value"]))
    # A cell that gives its old value up does not stand in the way of another record that takes it.
    owned = held[~_among(held, changed, columns=[*KEYS, "field"])]
    owners = pd.concat([claims[_OWNED], owned[_OWNED]]).drop_duplicates()
    taken = _among(claims, owners[owners.duplicated(_VALUE, keep=False)], columns=_VALUE)
    if taken.any():
        taken |= _kept(changed, claims=claims, taken=taken)
    reason = "Another record has this value, here or in the project, and the study wants it unique."
    check = "identifier_collision"
    return say(check, claims[taken], reason=reason)


def judge_beginnings(
    wanted: pd.DataFrame,
    *,
    keys: pd.DataFrame,
    rows: npt.NDArray[np.int64],
    records: frozenset[str],
    beginnings: Mapping[str, str],
) -> pd.DataFrame:
    """Stop rows of new records whose ids do not begin as those of their access group, or of any.

    `rows` has the position in `wanted` of each row of `keys`; a group without a beginning of its own is free.
    """
    if not beginnings:
        return collected([])
    blank = pd.Series("", index=wanted.index)
    named = wanted.get(GROUP_COLUMN, blank).fillna("").astype("str").str.strip().iloc[rows]
    pairs = pd.Series(list(zip(keys["record"], named, strict=True)), index=keys.index, dtype=object)
    wrong = {
        (record, group)
        for record, group in set(pairs)
        if record not in records and not record.startswith(_beginnings(group, of=beginnings))
    }
    reason = (
        "A new record id that does not begin as its access group's do (checks.record_id_groups); correct it."
    )
    return say("record_id_format", keys[pairs.isin(wrong).to_numpy()], reason=reason, field="")


def _beginnings(group: str, *, of: Mapping[str, str]) -> tuple[str, ...]:
    return (of.get(group, ""),) if group else tuple(of.values())


def judge_groups(
    wanted: pd.DataFrame,
    *,
    keys: pd.DataFrame,
    rows: npt.NDArray[np.int64],
    groups: Mapping[str, str] | None,
) -> pd.DataFrame:
    """Stop rows that name another access group than their record's (`groups`, blank for none).

    `rows` has the position in `wanted` of each row of `keys`. Where a record's group is not known, as that of
    a new one, a group that is named is only warned of, because Capstan does not write it.
    """
    if GROUP_COLUMN not in wanted.columns:
        return collected([])
    named = wanted[GROUP_COLUMN].fillna("").astype("str").str.strip().iloc[rows].reset_index(drop=True)
    own = keys["record"].reset_index(drop=True).map(dict(groups or {}))
    says = {
        severity("dag_mismatch"): (
            own.notna() & (named != own),
            "The record is in another access group; correct the group, or move the record in REDCap.",
        ),
        Severity.WARNING: (
            own.isna(),
            "Capstan does not write access groups; assign the record to its group in REDCap.",
        ),
    }
    return collected(
        verdicts(
            keys[((named != "") & said_of).to_numpy()],
            check="dag_mismatch",
            severity=reach,
            reason=reason,
            field=GROUP_COLUMN,
        )
        for reach, (said_of, reason) in says.items()
    )


def _kept(changed: pd.DataFrame, *, claims: pd.DataFrame, taken: Bools) -> Bools:
    """The claims to values that are not given up, because the rows that would do so fall themselves.

    The rows of the claims that are `taken` fall first; each may let others fall, through the whole table.
    """
    rows = claims["row"].to_numpy()
    old = changed[changed["before"] != ""]
    old = old.assign(value=_folded(old["before"]))
    free = claims.assign(claim=np.arange(len(claims)))[~taken]
    pairs = old.merge(free, on=_VALUE, suffixes=("", "_next"))
    pairs = pairs[pairs["record"] != pairs["record_next"]]
    waiting = pairs.groupby("row")["claim"].agg(list).to_dict()
    found = np.zeros(len(claims), dtype=bool)
    fallen = set(rows[taken])
    falling = list(fallen)
    while falling:
        hit = waiting.get(falling.pop(), [])
        found[hit] = True
        fresh = {rows[claim] for claim in hit} - fallen
        fallen |= fresh
        falling += fresh
    return found


def _among(places: pd.DataFrame, chosen: pd.DataFrame, *, columns: list[str]) -> Bools:
    found: Bools = pd.MultiIndex.from_frame(places[columns]).isin(pd.MultiIndex.from_frame(chosen[columns]))
    return found


def _persons(
    cells: pd.DataFrame, *, present: pd.DataFrame | None, fields: Sequence[str]
) -> Iterator[pd.DataFrame]:
    if not cells["field"].isin(fields).any():
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
    yield say(check, rows, reason=reason, field="")


def _long(present: pd.DataFrame | None, *, fields: Sequence[str]) -> pd.DataFrame:
    """The values of some fields, one a row: the four keys, field, value; blanks left out."""
    none = pd.DataFrame({name: pd.Series(dtype="str") for name in (*KEYS, "field", "value")})
    if present is None:
        return none
    keys = present.iloc[:, : len(KEYS)].set_axis(list(KEYS), axis=1)
    parts = [keys.assign(field=name, value=present[name]) for name in fields if name in present.columns]
    long = pd.concat([none, *parts], ignore_index=True)
    return long[long["value"] != ""].astype("str")


def _folded(values: pd.Series) -> pd.Series:
    """Values as they compare: without letters' case, and numbers without the signs between their digits."""
    digits = values.str.replace(r"[\s().-]+", "", regex=True)
    # A North American number is the same with its country code and without.
    digits = digits.mask(digits.str.fullmatch(r"\+?1[2-9][0-9]{2}[2-9][0-9]{6}"), digits.str[-10:])
    return digits.where(digits.str.fullmatch(r"\+?[0-9]+"), values.str.casefold())
