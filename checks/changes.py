"""Changes: what a run may change, cell by cell, and how much of the project at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from capstan.dictionary import Dictionary, Field
from capstan.plan import KEYS, same
from capstan.study import Limits, Writes
from capstan.verdict import collected, project_verdict, verdicts
from checks.catalogue import severity
from checks.frames import normal_form


def forbidden_columns(writes: Writes, *, dictionary: Dictionary) -> Mapping[str, str]:
    """The export columns that a study must not write, each with the reason for people."""
    reasons = {item.name: _forbidden(item, writes=writes) for item in dictionary.fields}
    return {column: reasons[item.name] for column, item in dictionary.by_column.items() if reasons[item.name]}


def drop_equivalent(cells: pd.DataFrame, *, dictionary: Dictionary) -> pd.DataFrame:
    """Leave out cells that change nothing in REDCap, though their texts differ.

    Wanted values come in normal form, so what REDCap holds is compared in it too.
    """
    zeros = dictionary.zero_columns
    # A value where nothing was is a change, whatever it is, unless blank and 0 are the same there.
    doubtful = cells[(cells["before"] != "") | cells["field"].isin(zeros)]
    equal = same(doubtful["before"], doubtful["after"], fields=doubtful["field"], zeros=zeros)
    equal |= same(normal_form(doubtful["before"]), doubtful["after"], fields=doubtful["field"], zeros=zeros)
    return cells.drop(index=doubtful.index[equal]) if equal.any() else cells


def judge_changes(
    cells: pd.DataFrame,
    *,
    forbidden: Mapping[str, str],
    visible: frozenset[str],
    may_erase: bool,
    derived: frozenset[str],
) -> pd.DataFrame:
    """Judge cells by what they would change: forbidden or unseen fields, erased values, replaced values.

    `visible` are the columns that the export has: what others hold could be neither compared nor kept.
    `derived` names columns that this run computes itself: replacing their values is its purpose.
    """
    unseen = (
        "The token's user may not export this field, so what it holds could not be kept; ask for the right."
    )
    barred = cells[cells["field"].isin(forbidden)]
    erased = (cells["after"] == "") & (cells["before"] != "")
    replaced = (cells["after"] != "") & (cells["before"] != "") & ~cells["field"].isin(derived)
    found = [
        verdicts(
            barred,
            check="read_only_field",
            severity=severity("read_only_field"),
            reason=barred["field"].map(forbidden).astype("str"),
        ),
        _cells(
            cells[~cells["field"].isin(visible) & ~cells["field"].isin(forbidden)],
            check="not_exported",
            reason=unseen,
        ),
        _cells(
            cells[replaced & ~cells["field"].isin(forbidden)],
            check="overwrite_value",
            reason="Replaces a value that is already there.",
        ),
    ]
    if not may_erase:
        reason = "The blank would erase a value; leave the cell out, or allow it with max_blanked."
        found.append(_cells(cells[erased], check="overwrite_with_blank", reason=reason))
    return collected(found)


def judge_stale(cells: pd.DataFrame, *, now_held: pd.Series, dictionary: Dictionary) -> pd.DataFrame:
    """Stop cells that hold something else now (`now_held`, aligned) than when the plan was made."""
    unmoved = same(now_held, cells["before"], fields=cells["field"], zeros=dictionary.zero_columns)
    reason = "Somebody changed this cell since the plan was made; run again."
    return _cells(cells[~unmoved], check="stale_base", reason=reason)


def judge_volume(cells: pd.DataFrame, *, known_records: frozenset[str], limits: Limits) -> pd.DataFrame:
    """Hold a run whose accepted cells change more than the study's limits allow."""
    touched = set(cells["record"].unique())
    new = len(touched - known_records)
    existing = len(touched & known_records)
    # One record may always change, however small the project.
    most = max(1.0, limits.share * len(known_records))
    blanked = int(((cells["after"] == "") & (cells["before"] != "")).sum())
    return collected(
        [
            *_above(len(touched), limit=limits.records, option="max_records", what="records would change"),
            *_above(blanked, limit=limits.blanked, option="max_blanked", what="values would be erased"),
            *_above(new, limit=limits.new_records, option="max_new_records", what="records would be created"),
            *_share_above(existing, most=most, known=len(known_records), limit=limits.share),
        ]
    )


def _forbidden(item: Field, *, writes: Writes) -> str:
    """Why a field must not be written, "" if it may be."""
    if item.is_computed:
        return "REDCap computes this field itself; leave the column out."
    if not item.is_importable:
        return f"A {item.type} field cannot be imported with a record; leave the column out."
    if item.name in writes.protect or item.form in writes.protect:
        return "The study protects this field (writes.protect)."
    if item.name in writes.allow:
        return ""
    if item.form not in writes.allow:
        return f"The study does not allow writing it; add {item.form} or the field to writes.allow."
    if "@READONLY" in item.action_tags:
        return "The field is @READONLY; name the field itself in writes.allow to write it."
    return ""


def _cells(cells: pd.DataFrame, *, check: str, reason: str) -> pd.DataFrame:
    return verdicts(cells, check=check, severity=severity(check), reason=reason)


def _above(count: int, *, limit: int, option: str, what: str) -> Iterator[pd.DataFrame]:
    if count > limit:
        reason = f"{count} {what}, the limit is {limit}; send less at once, or raise {option} for this run."
        yield project_verdict("mass_change", severity=severity("mass_change"), reason=reason)


def _share_above(existing: int, *, most: float, known: int, limit: float) -> Iterator[pd.DataFrame]:
    if existing > most:
        reason = (
            f"{existing / known:.0%} of the project's records would change, the limit is {limit:.0%}; "
            "send less at once, or raise max_share for this run."
        )
        yield project_verdict("mass_change", severity=severity("mass_change"), reason=reason)


def rows_of(found: pd.DataFrame) -> pd.MultiIndex:
    """The distinct rows that verdicts name."""
    return pd.MultiIndex.from_frame(found[list(KEYS)].drop_duplicates())
