"""Placement: whether each cell may be where it wants to be, judged over the distinct places.

A place is event, instrument, instance and form. A project has few of them, so each is judged once and the
answer is broadcast to the rows and cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from checks.columns import Bools
from checks.findings import Finding
from checks.rows import WHOLE
from checks.sheet import Sheet, blocks

Said = tuple[str, str] | None


def judge_repeats(sheet: Sheet, *, asked: Bools, grid: EventGrid) -> Iterator[Finding]:
    """Judge instrument and instance of the rows that are asked about."""
    instance = sheet.key_columns["instance"]
    shapes = [_shape(text) for text in instance.texts]
    places, codes = sheet.places
    for shape in sorted(set(shapes)):
        shaped = asked & instance.spread(np.array([one == shape for one in shapes], dtype=bool))
        said = [_repeat(event, form, shape, grid=grid) for event, form in places]
        for (check, reason), bad in _by_answer(said).items():
            yield Finding(check, np.flatnonzero(bad[codes] & shaped), "", reason)


def judge_fields(sheet: Sheet, *, alive: Bools, dictionary: Dictionary, grid: EventGrid) -> Iterator[Finding]:
    """Judge whether the form of each changed cell belongs to its row."""
    places, codes = sheet.places
    wrong = {
        form: _by_answer([_field(event, instrument, form, grid=grid) for event, instrument in places])
        for form in dictionary.forms
    }
    for name, _, mask in blocks(sheet, alive=alive):
        item = dictionary.by_column.get(name)
        if item is None or item.name == dictionary.record_field:
            continue
        for (check, reason), bad in wrong[item.form].items():
            rows = np.flatnonzero(bad[codes] & mask)
            if rows.size:
                yield Finding(check, rows, name, reason)


def _by_answer(answers: Sequence[Said]) -> dict[tuple[str, str], Bools]:
    """Which of the places judged got each answer."""
    return {
        said: np.array([answer == said for answer in answers], dtype=bool)
        for said in dict.fromkeys(answers)
        if said
    }


def _shape(instance: str) -> str:
    if not instance:
        return "blank"
    return "whole" if WHOLE.fullmatch(instance) else "odd"


def _repeat(event: str, instrument: str, shape: str, *, grid: EventGrid) -> Said:
    if event not in grid.names:
        return None
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
