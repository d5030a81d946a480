"""Rows: whether each row's keys name exactly one possible place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from capstan.events import EventGrid
from capstan.plan import KEYS
from capstan.verdict import Severity, collected, verdicts
from checks.catalogue import severity
from checks.sheet import among, encode

MAX_RECORD_LENGTH = 100


class Known(NamedTuple):
    """The records that there are, and whether a run may create records, or only that.

    `pattern` is the regular expression of new ids, "" for any.
    """

    records: frozenset[str]
    may_create: bool = False
    only_new: bool = False
    pattern: str = ""


def judge_keys(keys: pd.DataFrame, *, grid: EventGrid, known: Known) -> pd.DataFrame:
    """Judge records and events of rows (columns record, event, instrument, instance); returns verdicts."""
    return collected([*_records(keys, known=known), *_events(keys, grid=grid)])


def judge_duplicates(keys: pd.DataFrame, *, same: pd.Series) -> pd.DataFrame:
    """Judge rows whose key stands several times in one table.

    `same` says of each row whether all rows of its key agree in every cell: then the surplus is only
    noted; where they differ, each of them is stopped, because REDCap would keep the last silently.
    """
    double = keys.duplicated(list(KEYS), keep=False)
    surplus = keys.duplicated(list(KEYS))
    return collected(
        [
            verdicts(
                keys[double & ~same],
                check="duplicate_row",
                severity=severity("duplicate_row"),
                reason="The same record, event, instrument and instance stands here with other values; "
                "REDCap would keep only the last.",
                field="",
            ),
            verdicts(
                keys[surplus & same],
                check="duplicate_row",
                severity=Severity.WARNING,
                reason="The row stands twice, word for word; one is enough.",
                field="",
            ),
        ]
    )


def judge_gaps(keys: pd.DataFrame, *, present: pd.DataFrame) -> pd.DataFrame:
    """Warn of instances whose predecessor is neither in the project (`present`) nor in this table."""
    whole = keys["instance"].str.fullmatch("[1-9][0-9]{0,8}")
    later = keys[whole & (keys["instance"] != "1")].drop_duplicates(list(KEYS))
    if later.empty:
        return collected([])
    before = later.assign(instance=(later["instance"].astype("int64") - 1).astype("str"))
    there = pd.MultiIndex.from_frame(pd.concat([present[list(KEYS)], keys[list(KEYS)]]))
    gap = ~pd.MultiIndex.from_frame(before[list(KEYS)]).isin(there)
    reason = "The instance before this one does not exist; was one left out?"
    return verdicts(
        later[gap],
        check="repeat_instance_gap",
        severity=severity("repeat_instance_gap"),
        reason=reason,
        field="",
    )


def judge_new_records(
    keys: pd.DataFrame, *, stopped: pd.DataFrame, known: frozenset[str], grid: EventGrid
) -> pd.DataFrame:
    """Stop what is left of a new record whose first row was stopped; both frames have the four keys."""
    order = {event: number for number, event in enumerate(grid.names)}
    fresh, lost = (rows[~rows["record"].isin(known)] for rows in (keys, stopped))
    if fresh.empty or lost.empty:
        return collected([])
    first = lost["event"].map(order).fillna(-1).groupby(lost["record"]).min()
    late = fresh["record"].isin(first.index)
    late &= fresh["record"].map(first).le(fresh["event"].map(order))
    reason = (
        "The record is new, and its first row was stopped; correct that one, and the record comes in whole."
    )
    return _rows(fresh[late], check="new_record_incomplete", reason=reason)


def _records(keys: pd.DataFrame, *, known: Known) -> Iterator[pd.DataFrame]:
    odd = (keys["record"] == "") | (keys["record"].str.len() > MAX_RECORD_LENGTH)
    reason = "The record id is blank or longer than 100 characters; give the participant's id."
    yield _rows(keys[odd], check="record_blank", reason=reason)
    there = pd.Series(among(keys["record"], known.records), index=keys.index)
    if known.only_new:
        reason = "The project has this record already, and the run may only add new ones; give a new id."
        yield _rows(keys[there], check="record_exists", reason=reason)
    unknown = ~odd & ~there
    if not unknown.any():
        return
    alike = unknown & among(keys["record"], _alike(keys.loc[unknown, "record"], known=known.records))
    reason = "Another record has this id in other letters' case, and REDCap takes both for one; use its own."
    yield _rows(keys[alike], check="record_unknown", reason=reason)
    unknown &= ~alike
    if known.pattern:
        fits = keys["record"].str.fullmatch(known.pattern)
        reason = "A new record id that is not of the study's form (checks.record_id); correct it."
        yield _rows(keys[unknown & ~fits], check="record_id_format", reason=reason)
        unknown &= fits
    if not known.may_create:
        reason = "The project has no such record; correct the id, or allow new ones with max_new_records."
        yield _rows(keys[unknown], check="record_unknown", reason=reason)


def _alike(unknown: pd.Series, *, known: frozenset[str]) -> set[str]:
    """New ids that differ from another, known or new, by nothing but letters' case."""
    folded = Counter(record.casefold() for record in known)
    new = set(encode(unknown).texts)
    folded.update(record.casefold() for record in new)
    return {record for record in new if folded[record.casefold()] > 1}


def _events(keys: pd.DataFrame, *, grid: EventGrid) -> Iterator[pd.DataFrame]:
    if not grid.is_longitudinal:
        yield _rows(
            keys[keys["event"] != ""],
            check="event_unknown",
            reason="The project has no events; leave redcap_event_name blank.",
        )
        return
    blank = keys["event"] == ""
    reason = "The row has no event; REDCap would put it into the first one, silently."
    yield _rows(keys[blank], check="event_blank", reason=reason)
    unknown = ~blank & ~among(keys["event"], grid.names)
    reason = "The project has no such event; use its unique name, such as " + grid.names[0] + "."
    yield _rows(keys[unknown], check="event_unknown", reason=reason)


def _rows(keys: pd.DataFrame, *, check: str, reason: str) -> pd.DataFrame:
    return verdicts(keys, check=check, severity=severity(check), reason=reason, field="")
