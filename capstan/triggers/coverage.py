"""Coverage: which saves of forms REDCap told of, which late, which twice, and which not at all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

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
    """A form that somebody saved, some time from `begins` until before `ends`; new since the last count."""

    record: str = field(repr=False)
    form: str
    begins: datetime
    ends: datetime
    is_new: bool = True


@dataclass(frozen=True)
class Arrival:
    """A trigger that came; or with `is_made` one that was made here because none had come."""

    record: str = field(repr=False)
    form: str
    at: datetime
    is_made: bool = False


class Told(NamedTuple):
    """What became of the trigger of a save, and when it came; a duplicate has no save."""

    fate: Fate
    save: Save | None
    came: datetime | None


def fates(saves: Iterable[Save], arrivals: Iterable[Arrival]) -> list[Told]:
    """Tell what became of each trigger.

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


class Counts(NamedTuple):
    """What became of triggers; `late_before` are those of saves that the last count took for missed."""

    received: int
    late: int
    missed: int
    duplicate: int
    late_before: int

    @property
    def saves(self) -> int:
        """How many forms were saved."""
        return self.received + self.late + self.missed


def count_fates(found: Iterable[Told], *, since: datetime) -> Counts:
    """Count what became of the triggers of new saves, and what came since the last count."""
    listed = list(found)
    counts = Counter(one.fate for one in listed if one.save and one.save.is_new)
    recent = [one for one in listed if one.came and one.came >= since]
    return Counts(
        received=counts[Fate.RECEIVED],
        late=counts[Fate.LATE],
        missed=counts[Fate.MISSED],
        duplicate=sum(one.save is None for one in recent),
        late_before=sum(one.save is not None and not one.save.is_new for one in recent),
    )


def _fates_of(saves: Sequence[Save], arrivals: Sequence[Arrival]) -> list[Told]:
    left = [one for one in arrivals if not one.is_made]
    made = [one.at for one in arrivals if one.is_made]
    first = [(save, _take(left, since=save.begins - CLOCKS, before=save.ends + CLOCKS)) for save in saves]
    came = [one.at for _, one in first if one]
    # What follows another one at once is its double, and no late one of an earlier save.
    doubles = [one for one in left if any(at <= one.at < at + CLOCKS for at in came)]
    left = [one for one in left if one not in doubles]
    found = []
    for save, arrival in first:
        late = None if arrival else _take(left, since=save.ends + CLOCKS, before=save.ends + LATEST)
        was_made = arrival is not None and any(save.begins <= at < arrival.at for at in made)
        found.append(_told(save, arrival or late, is_late=was_made or late is not None))
    since, until = saves[0].begins - CLOCKS, saves[-1].ends + LATEST
    rest = [one for one in (*doubles, *left) if since <= one.at < until]
    return found + [Told(Fate.DUPLICATE, None, one.at) for one in rest]


def _told(save: Save, arrival: Arrival | None, *, is_late: bool) -> Told:
    if arrival is None:
        return Told(Fate.MISSED, save, None)
    return Told(Fate.LATE if is_late else Fate.RECEIVED, save, arrival.at)


def _take(left: list[Arrival], *, since: datetime, before: datetime) -> Arrival | None:
    """Take the first arrival in a span of time out of those that are left."""
    for number, one in enumerate(left):
        if since <= one.at < before:
            return left.pop(number)
    return None
