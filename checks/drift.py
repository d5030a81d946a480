"""Drift: whether what a run uses is still what it was at the last run."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from capstan.dictionary import Dictionary, Field
from capstan.events import EventGrid
from capstan.verdict import collected
from checks.catalogue import say_of_run
from checks.redesign import values_of

_CHECK = "dictionary_drift"


def judge_drift(columns: Iterable[str], *, then: Dictionary, now: Dictionary) -> pd.DataFrame:
    """Judge the export columns of a plan: gone, moved to another form, or taking other values than `then`.

    A label that changed, or a choice that was added, changes nothing for values that were right before.
    """
    return collected(
        say_of_run(_CHECK, reason, field=name)
        for name in dict.fromkeys(columns)
        if (reason := _reason(then.by_column.get(name), now.by_column.get(name)))
    )


def judge_places(places: Iterable[tuple[str, str]], *, then: EventGrid, now: EventGrid) -> pd.DataFrame:
    """Judge the (event, form) pairs of a plan: designated no more, or repeating otherwise than `then`."""
    return collected(
        say_of_run(_CHECK, reason)
        for event, form in dict.fromkeys(places)
        if (reason := _grid_reason(event, form, then=then, now=now))
    )


def _reason(then: Field | None, now: Field | None) -> str:
    if then is None:
        return ""
    if now is None:
        return "The project no longer has this field."
    if now.form != then.form:
        return f"The field moved from {then.form} to {now.form}."
    if set(then.choices) - set(now.choices):
        return "Choices of the field were removed."
    return "" if values_of(then) == values_of(now) else "The field takes other values now."


def _grid_reason(event: str, form: str, *, then: EventGrid, now: EventGrid) -> str:
    place = (event, form)
    if place in then.designated and place not in now.designated:
        return f"The form {form} was taken off the event {event}."
    pairs = {place, (event, "")}
    return f"What repeats on the event {event} changed." if pairs & (then.repeating ^ now.repeating) else ""
