"""Merging: in large projects a field is asked about once for all sites, and once for all events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from capstan.quality.expected import Expected
from capstan.quality.measures import Measure
from checks.quality.asked import Place, Question

_Told = tuple[Expected, Measure]

MOST = 3_000
"""Great Expectations takes some ten milliseconds for each."""


def merge_places(questions: Iterable[Question], *, most: int = MOST) -> list[Question]:
    """Where there are too many questions, ask of a field at how many sites, or events, one is not met.

    The sentence names these. Questions about the whole project, about whole forms and to the export stay.
    """
    asked = list(questions)
    if len(asked) <= most:
        return asked
    kept: list[Question] = []
    merged: defaultdict[tuple[str, ...], list[_Told]] = defaultdict(list)
    for one, told in asked:
        if told is None or not one.field or not (one.site or one.event):
            kept.append((one, told))
        else:
            each = "site" if one.site else "event"
            merged[one.measure, one.form, one.field, each].append((one, told))
    return [*kept, *(_merged(own, each=key[-1]) for key, own in merged.items())]


def _merged(questions: list[_Told], *, each: str) -> Question:
    first, told = questions[0]
    out = [one.site or one.event for one, own in questions if not one.allows(own.value)]
    place = Place(first.form, first.field)
    words = f"{place}, at each {each}" + (f" (not at {', '.join(sorted(out))})" if out else "")
    before = str(Place(first.form, first.field, first.event, first.site))
    measure = f"{first.measure} at {each}s"
    whole = replace(
        first,
        id="/".join([measure.replace(" ", "_"), first.form, first.field]),
        sentence=first.sentence.replace(before, words),
        event="",
        site="",
        lower=None,
        upper=0.0,
        measure=measure,
    )
    return whole, told._replace(
        measure=measure, event="", site="", value=float(len(out)), rows=len(questions)
    )
