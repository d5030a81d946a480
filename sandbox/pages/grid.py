"""The status dots of records: which forms were saved at which events, and how far they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sandbox.project.model import Project
from sandbox.project.parts import Event, Form, RowKey
from sandbox.storage import Store

STATUSES = {"": "never saved", "0": "Incomplete", "1": "Unverified", "2": "Complete", "mixed": "mixed"}
Cells = Mapping[str, str]


class Dot(NamedTuple):
    """The status of one form, saved or not."""

    status: str
    instance: int = 1
    is_locked: bool = False

    @property
    def label(self) -> str:
        return STATUSES[self.status]


@dataclass(frozen=True)
class Slot:
    """One form at one event: no dot where it is not designated, one, or one for each instance."""

    event: Event
    form: str
    dots: tuple[Dot, ...]
    repeats: bool = False

    @property
    def summary(self) -> Dot:
        """The dot that stands for all instances."""
        statuses = {dot.status for dot in self.dots}
        return Dot(statuses.pop() if len(statuses) == 1 else "mixed") if statuses else Dot("")

    @property
    def next_instance(self) -> int:
        return max((dot.instance for dot in self.dots if dot.status), default=0) + 1


class Visit(NamedTuple):
    """One column of a record's grid: an event, or one instance of a repeating event."""

    event: Event
    instance: int
    is_new: bool = False
    repeats: bool = False


@dataclass(frozen=True)
class Dots:
    """The dots of some records."""

    project: Project
    rows: Mapping[RowKey, Cells]
    locked: frozenset[tuple[RowKey, str]]

    def arms(self) -> set[int]:
        """Return the arms in which there are rows."""
        events = self.project.event_by_id
        return {events[key.event_id].arm_num for key in self.rows if key.event_id in events}

    def slot(self, record: str, visit: Visit, *, form: Form) -> Slot:
        """Return a form's dots in one column of a record's grid."""
        project, event, event_id = self.project, visit.event, visit.event.event_id
        if not project.is_designated(event_id, form.name):
            return Slot(event, form.name, ())
        if (event_id, form.name) in project.repeating:
            keys = [key for key in self._keys(record, event) if key.instrument == form.name]
            dots = tuple(self._dot(key, form.name) for key in sorted(keys))
            return Slot(event, form.name, dots, repeats=True)
        key = RowKey(record, event_id, "", visit.instance)
        return Slot(event, form.name, (self._dot(key, form.name),))

    def visits(self, record: str, events: Iterable[Event]) -> list[Visit]:
        """Return the columns of a record's grid; a repeating event ends with a new instance."""
        found: list[Visit] = []
        for event in events:
            if (event.event_id, "") not in self.project.repeating:
                found.append(Visit(event, 0))
                continue
            numbers = sorted({key.instance for key in self._keys(record, event) if not key.instrument} - {0})
            found += [Visit(event, number, repeats=True) for number in numbers]
            last = numbers[-1] if numbers else 0
            found.append(Visit(event, last + 1, is_new=True, repeats=True))
        return found

    def summary(self, record: str, event: Event, *, form: Form) -> Slot:
        """Return a form's dots over all instances of a repeating event."""
        if (event.event_id, "") not in self.project.repeating:
            return self.slot(record, Visit(event, 0), form=form)
        if not self.project.is_designated(event.event_id, form.name):
            return Slot(event, form.name, ())
        keys = [key for key in self._keys(record, event) if not key.instrument]
        dots = tuple(self._dot(key, form.name) for key in sorted(keys))
        return Slot(event, form.name, dots or (Dot(""),), repeats=len(dots) > 1)

    def _keys(self, record: str, event: Event) -> list[RowKey]:
        return self._by_place.get((record, event.event_id), [])

    @cached_property
    def _by_place(self) -> dict[tuple[str, int], list[RowKey]]:
        found: dict[tuple[str, int], list[RowKey]] = {}
        for key in self.rows:
            found.setdefault((key.record, key.event_id), []).append(key)
        return found

    def _dot(self, key: RowKey, form: str) -> Dot:
        status = self.rows.get(key, {}).get(f"{form}_complete", "")
        return Dot(status if status in STATUSES else "", key.instance or 1, (key, form) in self.locked)


def load_dots(store: Store, project: Project, *, records: list[str]) -> Dots:
    """Read what the dots of some records need."""
    rows = dict(store.values.rows(project.project_id, records))
    return Dots(project, rows, locked_forms(store, project, keys=rows))


def locked_forms(store: Store, project: Project, *, keys: Iterable[RowKey]) -> frozenset[tuple[RowKey, str]]:
    """Return the locked forms of some rows; a locked record has all of its forms locked."""
    locks = store.locks.all(project.project_id)
    if not locks:
        return frozenset()
    whole = {lock.key.record for lock in locks if not lock.form}
    single = {(lock.key, lock.form) for lock in locks if lock.form}
    names = [form.name for form in project.forms]
    return frozenset(single | {(key, name) for key in keys if key.record in whole for name in names})
