"""Changes: what a run may change, cell by cell, and how much of the project at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from capstan.dictionary import Dictionary, Field
from capstan.plan import KEYS, same
from capstan.study import Limits, Writes
from capstan.verdict import collected
from checks.catalogue import say, say_of_run
from checks.columns import Bools, Rows
from checks.findings import Finding
from checks.sheet import Sheet, blocks

_UNSEEN = "The token's user may not export this field, so what it holds could not be kept; ask for the right."
_ASSIGNED = "The participant's arm is assigned already; change it by hand in REDCap, with a reason."


def forbidden_columns(writes: Writes, *, dictionary: Dictionary) -> Mapping[str, str]:
    """The export columns that a study must not write, each with the reason for people."""
    reasons = {item.name: _forbidden(item, writes=writes) for item in dictionary.fields}
    return {column: reasons[item.name] for column, item in dictionary.by_column.items() if reasons[item.name]}


class Leave(NamedTuple):
    """What a run may do to cells: forbidden columns with reasons, visible ones, and whether it may erase.

    `derived` names columns that the run computes itself: replacing their values is its purpose. `assigning`
    is the field that says a participant's arm, "" for none.
    """

    forbidden: Mapping[str, str]
    visible: frozenset[str]
    may_erase: bool
    derived: frozenset[str] = frozenset()
    assigning: str = ""


def judge_changes(sheet: Sheet, *, alive: Bools, leave: Leave) -> Iterator[Finding]:
    """Judge cells by what they would change: forbidden or unseen fields, erased values, replaced values."""
    held = sheet.position >= 0
    for name, column, mask in blocks(sheet, alive=alive):
        if name in leave.forbidden:
            yield Finding("read_only_field", np.flatnonzero(mask), name, leave.forbidden[name])
            continue
        if name not in leave.visible:
            yield Finding("not_exported", np.flatnonzero(mask), name, _UNSEEN)
            continue
        rows = np.flatnonzero(mask & held)
        if not rows.size:
            continue
        rows = rows[_filled(sheet.before(name, rows))]
        blank = column.is_blank[rows]
        yield from _replaced(name, rows[~blank], leave=leave)
        yield from _erased(name, rows[blank], leave=leave)


def _replaced(name: str, rows: Rows, *, leave: Leave) -> Iterator[Finding]:
    if name == leave.assigning:
        yield Finding("randomisation_consistency", rows, name, _ASSIGNED)
    elif name not in leave.derived:
        yield Finding("overwrite_value", rows, name, "Replaces a value that is already there.")


def _erased(name: str, rows: Rows, *, leave: Leave) -> Iterator[Finding]:
    if name == leave.assigning:
        yield Finding("randomisation_consistency", rows, name, _ASSIGNED)
    if not leave.may_erase:
        reason = "The blank would erase a value; leave the cell out, or allow it with max_blanked."
        yield Finding("overwrite_with_blank", rows, name, reason)


def _filled(texts: pa.Array) -> Bools:
    filled: Bools = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    return filled


def judge_stale(cells: pd.DataFrame, *, now_held: pd.Series, dictionary: Dictionary) -> pd.DataFrame:
    """Stop cells that hold something else now (`now_held`, aligned) than when the plan was made."""
    unmoved = same(now_held, cells["before"], fields=cells["field"], zeros=dictionary.zero_columns)
    reason = "Somebody changed this cell since the plan was made; run again."
    return say("stale_base", cells[~unmoved], reason=reason)


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
            *_fields_above(cells, known=known_records, limit=limits.field_share),
        ]
    )


def judge_collapse(cells: pd.DataFrame, *, limit: int) -> pd.DataFrame:
    """Hold a run that puts one and the same value in the place of others in more than `limit` records.

    Many blanks may get one value for good reason (all were seen on one day); many values seldom become one.
    """
    is_replaced = (cells["after"] != "") & (cells["before"] != "")
    if is_replaced.sum() <= limit or cells["record"].nunique() <= limit:
        return collected([])
    replaced = cells.loc[is_replaced, ["record", "field", "after"]]
    records = replaced.groupby(["field", "after"], sort=False)["record"].nunique()
    most = records.groupby("field", sort=False).max()
    return collected(
        say_of_run(
            "value_collapse",
            _collapsed(count, limit),
            field=str(name),
        )
        for name, count in most[most > limit].items()
    )


def _collapsed(count: int, limit: int) -> str:
    return (
        f"{count} records would get one and the same value for another, the limit is {limit} "
        "(writes.limits.same_value); see whether a join went wrong, else approve the plan."
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


def _above(count: int, *, limit: int, option: str, what: str) -> Iterator[pd.DataFrame]:
    if count > limit:
        reason = f"{count} {what}, the limit is {limit}; send less at once, or raise {option} for this run."
        yield say_of_run("mass_change", reason)


def _share_above(existing: int, *, most: float, known: int, limit: float) -> Iterator[pd.DataFrame]:
    if existing > most:
        reason = (
            f"{existing / known:.0%} of the project's records would change, the limit is {limit:.0%}; "
            "send less at once, or raise max_share for this run."
        )
        yield say_of_run("mass_change", reason)


def _fields_above(cells: pd.DataFrame, *, known: frozenset[str], limit: float) -> Iterator[pd.DataFrame]:
    """The fields that would change in more than a share of the records, and in more than one."""
    if limit == 1:
        return
    records = cells[cells["record"].isin(known)].groupby("field", sort=False)["record"].nunique()
    for name, count in records[records > max(1.0, limit * len(known))].items():
        reason = (
            f"The field would change in {count / len(known):.0%} of the project's records, the limit is "
            f"{limit:.0%} (writes.limits.field_share); send less at once, or approve the plan."
        )
        yield say_of_run("mass_change", reason, field=str(name))


def rows_of(found: pd.DataFrame) -> pd.MultiIndex:
    """The distinct rows that verdicts name."""
    return pd.MultiIndex.from_frame(found[list(KEYS)].drop_duplicates())
