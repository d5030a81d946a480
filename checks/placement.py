"""Placement: whether each cell may be where it wants to be, judged over the distinct places.

A place is event, instrument, instance and form. A project has few of them, so each is judged once and the
answer is broadcast to the rows and cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.verdict import collected, verdicts
from checks.catalogue import severity
from checks.findings import Finding
from checks.sheet import Bools, Sheet, among, blocks

Said = tuple[str, str] | None
WHOLE = "[1-9][0-9]{0,8}"


def judge_repeats(keys: pd.DataFrame, *, grid: EventGrid) -> pd.DataFrame:
    """Judge instrument and instance of rows (columns record, event, instrument, instance)."""
    known = keys[among(keys["event"], grid.names)]
    shape = known["instance"].str.fullmatch(WHOLE).map({True: "whole", False: "odd"})
    shape = shape.where(known["instance"] != "", "blank")
    places = pd.DataFrame({"event": known["event"], "instrument": known["instrument"], "shape": shape})
    return _broadcast(known.assign(field=""), places=places, judge=lambda *place: _repeat(*place, grid=grid))


def judge_fields(sheet: Sheet, *, alive: Bools, dictionary: Dictionary, grid: EventGrid) -> Iterator[Finding]:
    """Judge whether the form of each changed cell belongs to its row."""
    distinct, codes = sheet.places
    wrong = {form: _misplaced(form, distinct=distinct, grid=grid) for form in dictionary.forms}
    for name, _, mask in blocks(sheet, alive=alive):
        item = dictionary.by_column.get(name)
        if item is None or item.name == dictionary.record_field:
            continue
        for (check, reason), bad in wrong[item.form].items():
            rows = np.flatnonzero(bad[codes] & mask)
            if rows.size:
                yield Finding(check, rows, name, reason)


def _misplaced(
    form: str, *, distinct: list[tuple[str, str]], grid: EventGrid
) -> dict[tuple[str, str], Bools]:
    """The distinct places to which a form does not belong, by what is said of them."""
    found: dict[tuple[str, str], Bools] = {}
    for number, (event, instrument) in enumerate(distinct):
        said = _field(event, instrument, form, grid=grid)
        if said:
            found.setdefault(said, np.zeros(len(distinct), dtype=bool))[number] = True
    return found


def _repeat(event: str, instrument: str, shape: str, *, grid: EventGrid) -> Said:
    where = f"event {event}" if event else "this project"
    if instrument and (event, instrument) not in grid.repeating:
        return (
            "repeat_form_invalid",
            f"{instrument} does not repeat in {where}; leave the repeat columns blank.",
        )
    repeats = bool(instrument) or (event, "") in grid.repeating
    if repeats and shape != "whole":
        return "repeat_instance_invalid", "A repeating row needs an instance number from 1; give it."
    if not repeats and shape != "blank":
        return "repeat_instance_invalid", "The row does not repeat; leave redcap_repeat_instance blank."
    return None


def _field(event: str, instrument: str, form: str, *, grid: EventGrid) -> Said:
    if (event, form) not in grid.designated:
        return "field_not_in_event", f"Form {form} is not designated for event {event}."
    if instrument and form != instrument:
        return "field_not_on_row", f"The row is of {instrument}; a field of {form} belongs on another row."
    if not instrument and (event, form) in grid.repeating:
        return "field_not_on_row", f"Form {form} repeats here; name it in redcap_repeat_instrument."
    return None


def _broadcast(rows: pd.DataFrame, *, places: pd.DataFrame, judge: Callable[..., Said]) -> pd.DataFrame:
    """Judge each distinct place once and give the answer to all of its rows."""
    distinct = pd.MultiIndex.from_frame(places).unique()
    codes = distinct.get_indexer(pd.MultiIndex.from_frame(places))
    answers = [judge(*place) for place in distinct]
    parts = []
    for check in sorted({answer[0] for answer in answers if answer}):
        hit = np.array([answer is not None and answer[0] == check for answer in answers], dtype=bool)[codes]
        said = np.array([answer[1] if answer else "" for answer in answers], dtype=object)[codes]
        reason = pd.Series(said[hit], dtype="str")
        parts.append(verdicts(rows[hit], check=check, severity=severity(check), reason=reason))
    return collected(parts)
