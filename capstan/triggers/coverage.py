"""Coverage: which saves of forms REDCap told of, which late, which twice, and which not at all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

CLOCKS = timedelta(minutes=1)
"""How far REDCap's clock and ours may be apart."""
LATEST = timedelta(hours=1)
"""How late a trigger is still taken for one of its save."""


class Fate(StrEnum):
    """What became of the trigger of a save; a duplicate is one that came without a save of its own."""

    RECEIVED = "received"
    LATE = "late"
    MISSED = "missed"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Save:
    """A form that somebody saved, at some time from `begins` until before `ends`."""

    record: str = field(repr=False)
    form: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Arrival:
    """A trigger that came; or with `is_made` one that was made here because none had come."""

    record: str = field(repr=False)
    form: str
    at: datetime
    is_made: bool = False


def fates(saves: Iterable[Save], arrivals: Iterable[Arrival]) -> list[tuple[Fate, datetime]]:
    """Tell what became of each trigger, and when the save was, or the duplicate came.

    The log does not say in which event a form was saved, nor its second: so a save and a trigger of the same
    record and form belong together where their times let them, each to one. What came without any save
    changed nothing, and is left out.
    """
    saved: dict[tuple[str, str], list[Save]] = defaultdict(list)
    came: dict[tuple[str, str], list[Arrival]] = defaultdict(list)
    for save in sorted(saves, key=lambda one: one.begins):
        saved[save.record, save.form].append(save)
    for arrival in sorted(arrivals, key=lambda one: one.at):
        came[arrival.record, arrival.form].append(arrival)
    return [found for pair, listed in saved.items() for found in _fates_of(listed, came.get(pair, []))]


def count_fates(found: Iterable[tuple[Fate, datetime]], *, begin: datetime, end: datetime) -> Counter[Fate]:
    """Count what became of the triggers of an interval."""
    return Counter(fate for fate, at in found if begin <= at < end)


def _fates_of(saves: Sequence[Save], arrivals: Sequence[Arrival]) -> list[tuple[Fate, datetime]]:
    left = [one for one in arrivals if not one.is_made]
    made = [one.at for one in arrivals if one.is_made]
    found: list[tuple[Fate, datetime]] = []
    waiting: list[Save] = []
    for save in saves:
        first = _take(left, since=save.begins - CLOCKS, before=save.ends + CLOCKS)
        if first is None:
            waiting.append(save)
            continue
        was_made = any(save.begins <= at < first.at for at in made)
        found.append((Fate.LATE if was_made else Fate.RECEIVED, save.begins))
    for save in waiting:
        late = _take(left, since=save.ends + CLOCKS, before=save.ends + LATEST)
        found.append((Fate.LATE if late else Fate.MISSED, save.begins))
    first_save, last_save = saves[0].begins - CLOCKS, saves[-1].ends + LATEST
    found += [(Fate.DUPLICATE, one.at) for one in left if first_save <= one.at < last_save]
    return found


def _take(left: list[Arrival], *, since: datetime, before: datetime) -> Arrival | None:
    """Take the first arrival in a span of time out of those that are left."""
    for number, one in enumerate(left):
        if since <= one.at < before:
            return left.pop(number)
    return None
