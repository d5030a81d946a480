"""Suggestions: what was evidently meant by stopped cells, for a corrected file that a person looks at.

A suggestion is a participant's value. It is in no verdict, log or report; `suggested` puts it into a frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from capstan.dictionary import Dictionary, Field
from capstan.events import EventGrid
from capstan.plan import KEY_NAMES
from capstan.verdict import Severity
from checks.arms import Allowed
from checks.bench import Bench
from checks.case import Rules
from checks.catalogue import severity
from checks.columns import Bools
from checks.corrections import corrections
from checks.frames import normalise
from checks.judgement import Judgement, no_suggestions
from checks.rows import look_of
from checks.sheet import Sheet, blocks
from checks.tables import Wanted
from checks.value_rules import Rule
from checks.values import doubtful

_COLUMNS = ("row", "column", "text")
EVENT = KEY_NAMES[0]


class _Suggestion(NamedTuple):
    row: int
    column: str
    text: str


def suggest(
    table: Wanted, *, bench: Bench, allowed: Allowed, rules: Rules, records: frozenset[str]
) -> pd.DataFrame:
    """List corrections of stopped rows: row (position in the table as it was given), column, text."""
    stopped = bench.stopped
    if not stopped.any():
        return no_suggestions()
    order = rules.study.checks.slash_dates
    items = rules.dictionary.by_column
    found = list(_corrections(table.sheet, rows=stopped, rules=rules.values, items=items, order=order))
    keys = table.sheet.keys[stopped]
    # A new id that nothing speaks against is no misspelt one, whatever else stops its row.
    misnamed = keys[keys["record"].isin(bench.records_of("record_unknown", "record_id_format"))]
    found += _records(misnamed, records=records, rules=rules)
    forms = _forms_by_row(table.sheet, dictionary=rules.dictionary)
    found += _events(keys, forms=forms, allowed=allowed, grid=rules.grid)
    if not found:
        return no_suggestions()
    listed = pd.DataFrame(found, columns=list(_COLUMNS)).astype({"column": "str", "text": "str"})
    return listed.assign(row=table.rows[listed["row"].to_numpy()])


def suggested(frame: pd.DataFrame, judgement: Judgement) -> pd.DataFrame:
    """Give the table that was judged in normal form, with the suggestions put in."""
    corrected = normalise(frame).frame
    for column, told in judgement.suggestions.groupby("column"):
        values = corrected[column].to_numpy(dtype=object).copy()
        values[told["row"].to_numpy(dtype=np.int64)] = told["text"].to_numpy(dtype=object)
        corrected[column] = pd.array(values, dtype="str")
    return corrected


def _corrections(
    sheet: Sheet,
    *,
    rows: Bools,
    rules: Mapping[str, tuple[Rule, ...]],
    items: Mapping[str, Field],
    order: str,
) -> Iterator[_Suggestion]:
    """What was evidently meant by the changed cells of some rows that no rule admits."""
    for name, column, mask in blocks(sheet, alive=rows):
        stopping = tuple(rule for rule in rules.get(name, ()) if severity(rule.check) is Severity.ERROR)
        asked = np.zeros(len(column.words), dtype=bool)
        asked[doubtful(column, rules=stopping)] = True
        here = np.flatnonzero(column.spread(asked) & mask)
        for at in pd.Series(here).groupby(column.codes[here]).indices.values():
            value = column.words[int(column.codes[here[at[0]]])].as_py()
            if value and not _fits_all(value, rules=stopping):
                meant = {told for told in corrections(items[name], value, order=order) if told}
                fitting = [told for told in meant if _fits_all(told, rules=stopping)]
                if len(fitting) == 1:
                    yield from (_Suggestion(int(row), name, fitting[0]) for row in here[at])


def _fits_all(value: str, *, rules: Iterable[Rule]) -> bool:
    return all(rule.fits(value) for rule in rules)


def _records(keys: pd.DataFrame, *, records: frozenset[str], rules: Rules) -> Iterator[_Suggestion]:
    """The one known record whose id looks alike, or differs by leading zeros that were lost."""
    if keys.empty:  # to look at all records of the project takes long
        return
    alike: dict[str, set[str]] = {}
    for record in records:
        alike.setdefault(look_of(record), set()).add(record)
    for row, record in zip(keys.index.to_numpy(), keys["record"], strict=True):
        if record in records:
            continue
        meant = alike.get(look_of(record), set())
        if len(meant) == 1:
            yield _Suggestion(int(row), rules.dictionary.record_field, next(iter(meant)))


def _forms_by_row(sheet: Sheet, *, dictionary: Dictionary) -> Mapping[str, Bools]:
    """Of each form that would change, the rows that it would change in."""
    found: dict[str, Bools] = {}
    for name, changed in sheet.changed.items():
        if changed.any() and name != dictionary.record_field:
            form = dictionary.by_column[name].form
            found[form] = found[form] | changed if form in found else changed
    return found


def _events(
    keys: pd.DataFrame, *, forms: Mapping[str, Bools], allowed: Allowed, grid: EventGrid
) -> Iterator[_Suggestion]:
    """The event of the same name in the participant's own arms, where exactly one has the row's forms."""
    named = _events_by_name(grid)
    if not allowed.ruled:
        keys = keys[~keys["event"].isin(grid.arm_of)]
    for row, event, record in zip(keys.index.to_numpy(), keys["event"], keys["record"], strict=True):
        own = allowed.own.get(record, frozenset()) | allowed.shared
        there = named.get(_name(event), ()) if event else ()
        here = {form for form, changed in forms.items() if changed[row]} if there else set()
        meant = [
            name
            for name in there
            if (not allowed.ruled or grid.arm_of[name] in own)
            and all((name, form) in grid.designated for form in here)
        ]
        is_right = event in grid.arm_of and (not allowed.ruled or grid.arm_of[event] in own)
        if len(meant) == 1 and not is_right:
            yield _Suggestion(int(row), EVENT, meant[0])


def _events_by_name(grid: EventGrid) -> Mapping[str, list[str]]:
    """The unique events by what people write for them: a label, or the name without its arm."""
    found: dict[str, list[str]] = {}
    for event in grid.events:
        for name in {_name(event.name), _name(event.label)}:
            found.setdefault(name, []).append(event.name)
    return found


def _name(event: str) -> str:
    part, arm, number = event.casefold().rpartition("_arm_")
    bare = part if arm and number.isdecimal() else event.casefold()
    return "_".join(bare.replace("_", " ").split())
