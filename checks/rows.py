"""Rows: whether each row's keys name exactly one possible place."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from capstan.events import EventGrid
from capstan.plan import KEYS
from capstan.verdict import Severity, collected, verdicts
from checks.catalogue import say
from checks.check_digits import has_check_digit
from checks.columns import Bools, Column
from checks.findings import Finding
from checks.sheet import Sheet

MAX_RECORD_LENGTH = 100
WHOLE = re.compile("[1-9][0-9]{0,8}")
# A check, its reason, and the texts of a column that it is said of.
Said = tuple[str, str, Bools]
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Between two digits a blank may part a site from a number; elsewhere it makes no other id.
_UNSEEN = re.compile(r"[\u200b-\u200f\u2060\ufeff]|(?<![0-9])\s+|\s+(?![0-9])")


class Known(NamedTuple):
    """The records that there are, and whether a run may create records, or only that.

    `pattern` is the regular expression of new ids, `digit` the system of their check digit; "" for any.
    """

    records: frozenset[str]
    may_create: bool = False
    only_new: bool = False
    pattern: str = ""
    digit: str = ""


def judge_records(sheet: Sheet, *, asked: Bools, known: Known) -> Iterator[Finding]:
    """Judge the records of the rows that are asked about."""
    column = sheet.key_columns["record"]
    for check, reason, texts in _records(column, known=known):
        yield Finding(check, np.flatnonzero(column.spread(texts) & asked), "", reason)


def judge_events(sheet: Sheet, *, asked: Bools, grid: EventGrid) -> Iterator[Finding]:
    """Judge the events of the rows that are asked about."""
    column = sheet.key_columns["event"]
    for check, reason, texts in _events(column, grid=grid):
        yield Finding(check, np.flatnonzero(column.spread(texts) & asked), "", reason)


def judge_duplicates(keys: pd.DataFrame, *, same: pd.Series, surplus: pd.Series) -> pd.DataFrame:
    """Judge rows whose key stands several times in one table; `surplus` are all but the first of a key.

    `same` says of each row whether all rows of its key agree in every cell: then the surplus is only
    noted; where they differ, each of them is stopped, because REDCap would keep the last silently.
    """
    return collected(
        [
            say(
                "duplicate_row",
                keys[(~same).to_numpy()],
                reason="The same record, event, instrument and instance stands here with other values; "
                "REDCap would keep only the last.",
                field="",
            ),
            verdicts(
                keys[(surplus & same).to_numpy()],
                check="duplicate_row",
                severity=Severity.WARNING,
                reason="The row stands twice, word for word; one is enough.",
                field="",
            ),
        ]
    )


def judge_gaps(sheet: Sheet, *, asked: Bools, present: pd.DataFrame) -> Iterator[Finding]:
    """Warn of instances whose predecessor is neither in the project (`present`) nor in this table."""
    column = sheet.key_columns["instance"]
    later = column.spread(_of_texts(column, lambda text: text != "1" and bool(WHOLE.fullmatch(text))))
    rows = np.flatnonzero(later & asked)
    if not rows.size:
        return
    keys = sheet.keys[list(KEYS)]
    before = keys.iloc[rows].assign(instance=(keys["instance"].iloc[rows].astype("int64") - 1).astype("str"))
    there = pd.MultiIndex.from_frame(pd.concat([present[list(KEYS)], keys[asked]]))
    gap = ~pd.MultiIndex.from_frame(before).isin(there)
    reason = "The instance before this one does not exist; was one left out?"
    yield Finding("repeat_instance_gap", rows[gap], "", reason)


def judge_new_records(
    sheet: Sheet, *, kept: Bools, stopped: Bools, known: frozenset[str], grid: EventGrid
) -> Iterator[Finding]:
    """Stop what is kept of a new record whose first row was stopped."""
    record, event = sheet.key_columns["record"], sheet.key_columns["event"]
    new = record.spread(_of_texts(record, lambda text: text not in known))
    fresh, lost = kept & new, stopped & new
    if not (fresh.any() and lost.any()):
        return
    order = {name: number for number, name in enumerate(grid.names)}
    rank = np.array([order.get(name, -1) for name in event.texts])[event.codes]
    first = np.full(len(record.texts), len(order))
    np.minimum.at(first, record.codes[lost], rank[lost])
    late = np.flatnonzero(fresh & (first[record.codes] <= rank))
    reason = (
        "The record is new, and its first row was stopped; correct that one, and the record comes in whole."
    )
    yield Finding("new_record_incomplete", late, "", reason)


def look_of(record: str) -> str:
    """An id as people see and hear it: without letters' case and width, and signs and blanks unseen.

    Digits of any script are digits, and a number is the same with and without zeros before it.
    """
    folded = _UNSEEN.sub("", unicodedata.normalize("NFKC", record)).casefold()
    western = (
        folded
        if folded.isascii()
        else "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in folded)
    )
    return western.lstrip("0") or "0" if western.isdecimal() else western


def _is_odd(record: str) -> bool:
    return not 0 < len(record) <= MAX_RECORD_LENGTH or _CONTROL.search(record) is not None


def _of_texts(column: Column, test: Callable[[str], bool], *, chosen: Bools | None = None) -> Bools:
    """Ask of the texts of a column, or of those chosen."""
    if chosen is None:
        return np.fromiter(map(test, column.texts), dtype=bool, count=len(column.texts))
    found = np.zeros(len(column.texts), dtype=bool)
    for place in np.flatnonzero(chosen):
        found[place] = test(column.texts[place])
    return found


def _records(column: Column, *, known: Known) -> Iterator[Said]:
    there = _of_texts(column, known.records.__contains__)
    odd = _of_texts(column, _is_odd, chosen=~there)
    reason = (
        "The record id is blank, longer than 100 characters, or has control characters; give the "
        "participant's id."
    )
    yield "record_blank", reason, odd
    if known.only_new:
        reason = "The project has this record already, and the run may only add new ones; give a new id."
        yield "record_exists", reason, there
    unknown = ~odd & ~there
    if not unknown.any():
        return
    alike = _alike(column, unknown=unknown, known=known.records)
    reason = (
        "Another record's id looks the same, or differs in letters' case or leading zeros alone; use that "
        "record's own id."
    )
    yield "record_unknown", reason, alike
    unknown &= ~alike
    if known.pattern:
        pattern = re.compile(known.pattern)
        misshapen = _of_texts(column, lambda text: not pattern.fullmatch(text), chosen=unknown)
        reason = "A new record id that is not of the study's form (checks.record_id); correct it."
        yield "record_id_format", reason, misshapen
        unknown &= ~misshapen
    if known.digit:
        mistyped = _of_texts(column, lambda text: not has_check_digit(text, known.digit), chosen=unknown)
        reason = "A new record id with a wrong check digit (checks.record_id_digit); was it mistyped?"
        yield "record_id_format", reason, mistyped
        unknown &= ~mistyped
    if not known.may_create:
        reason = "The project has no such record; correct the id, or allow new ones with max_new_records."
        yield "record_unknown", reason, unknown


def _alike(column: Column, *, unknown: Bools, known: frozenset[str]) -> Bools:
    """The ids that look like another, known or new."""
    looks = Counter(map(look_of, known))
    looks.update(look_of(column.texts[place]) for place in np.flatnonzero(unknown))
    return _of_texts(column, lambda text: looks[look_of(text)] > 1, chosen=unknown)


def _events(column: Column, *, grid: EventGrid) -> Iterator[Said]:
    blank = _of_texts(column, lambda text: text == "")
    if not grid.is_longitudinal:
        yield "event_unknown", "The project has no events; leave redcap_event_name blank.", ~blank
        return
    yield "event_blank", "The row has no event; REDCap would put it into the first one, silently.", blank
    unknown = ~blank & _of_texts(column, lambda text: text not in grid.arm_of)
    reason = f"The project has no such event; use its unique name, such as {grid.names[0]}."
    yield "event_unknown", reason, unknown
