"""Rows: whether each row's keys name exactly one possible place."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from capstan.events import EventGrid
from capstan.plan import KEYS
from capstan.verdict import Severity, collected, verdicts
from checks.catalogue import severity

MAX_RECORD_LENGTH = 100


def judge_keys(
    keys: pd.DataFrame, *, grid: EventGrid, known_records: frozenset[str], may_create: bool
) -> pd.DataFrame:
    """Judge records and events of rows (columns record, event, instrument, instance); returns verdicts.

    A record that the project does not have is stopped, unless the run `may_create` records.
    """
    return collected([*_records(keys, known=known_records, may_create=may_create), *_events(keys, grid=grid)])


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


def _records(keys: pd.DataFrame, *, known: frozenset[str], may_create: bool) -> Iterator[pd.DataFrame]:
    odd = (keys["record"] == "") | (keys["record"].str.len() > MAX_RECORD_LENGTH)
    reason = "The record id is blank or longer than 100 characters; give the participant's id."
    yield _rows(keys[odd], check="record_blank", reason=reason)
    unknown = ~odd & ~keys["record"].isin(known)
    alike = unknown & keys["record"].isin(_alike(keys.loc[unknown, "record"], known=known))
    reason = "Another record has this id in other letters' case, and REDCap takes both for one; use its own."
    yield _rows(keys[alike], check="record_unknown", reason=reason)
    if not may_create:
        unknown &= ~alike
        reason = "The project has no such record; correct the id, or allow new ones with max_new_records."
        yield _rows(keys[unknown], check="record_unknown", reason=reason)


def _alike(unknown: pd.Series, *, known: frozenset[str]) -> set[str]:
    """New ids that differ from another, known or new, by nothing but letters' case."""
    folded = {record.casefold() for record in known}
    new = pd.Series(unknown.unique(), dtype="str")
    twins = new.str.casefold()
    return set(new[twins.isin(folded) | twins.duplicated(keep=False)])


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
    unknown = ~blank & ~keys["event"].isin(grid.names)
    reason = "The project has no such event; use its unique name, such as " + grid.names[0] + "."
    yield _rows(keys[unknown], check="event_unknown", reason=reason)


def _rows(keys: pd.DataFrame, *, check: str, reason: str) -> pd.DataFrame:
    return verdicts(keys, check=check, severity=severity(check), reason=reason, field="")
