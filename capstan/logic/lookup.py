"""Which row each reference means, for every row of an export at once.

The rules, where REDCap's public documentation leaves room:

- `[f]` on a row of a repeating instrument is that row's if the instrument has the field, else the base
  row's of the same record and event; on every other row it is the row's own.
- `[event][f]` of the row's own event is the same as `[f]`. Of another event it is the base row, or
  instance 1 where that event, or the field's form in it, repeats.
- `[f][n]` is instance n; where nothing repeats, 1 and every relative instance mean the base row.
- previous and next instance are the present number minus and plus one, whether or not it was saved.
- A record of several arms is one record: an event of any arm can be named, a relative event stays within
  the arm of the row.
"""

from __future__ import annotations

import numpy as np

from capstan.logic.keys import RowKeys
from capstan.logic.layout import Layout
from capstan.logic.syntax import Reference
from capstan.logic.words import Bools, Codes


class Lookup:
    """Finds the row that a reference means, -1 for none; each kind of reference is found only once."""

    def __init__(self, keys: RowKeys, layout: Layout) -> None:
        self._keys = keys
        self._layout = layout
        self._codes = {name.lower(): code for name, code in keys.events.items()}
        self._found: dict[tuple[str, str, str], Codes] = {}

    def rows(self, reference: Reference, form: str) -> Codes:
        """Give for each row the row that holds the value of a field of this form."""
        key = reference.event, reference.instance, form
        if key not in self._found:
            self._found[key] = self._find(reference, form)
        return self._found[key]

    def event(self, name: str, form: str = "") -> Codes:
        """Give for each row the code of an event, -1 for none; relative to the row where the name is."""
        own = self._keys.event
        if name in ("", "event-name"):
            return own
        if name.endswith("-event-name"):
            neighbours = [
                self._neighbour(code, name.removesuffix("-event-name"), form=form)
                for code in self._keys.events.values()
            ]
            return np.array(neighbours, dtype=np.int64)[own]
        return np.full(len(own), self._codes.get(name, -1), dtype=np.int64)

    def instance(self, which: str, event: Codes, *, instrument: Codes) -> Codes:
        """Give for each row the number of an instance of the same record, below 1 for none."""
        own = self._keys.instance
        match which.removesuffix("-instance"):
            case "current":
                return own
            case "previous":
                return own - 1
            case "next":
                return np.where(own > 0, own + 1, 0)
            case "first":
                return self._keys.first_instance(event, instrument)
            case "last":
                return self._keys.last_instance(event, instrument)
            case "new":
                return self._keys.last_instance(event, instrument) + 1
            case _:
                return np.full(len(own), int(which[:9]), dtype=np.int64)

    def _neighbour(self, code: int, which: str, *, form: str) -> int:
        events = self._layout.events
        if code >= len(events):
            return -1
        arm = events[code][2]
        inside = [
            place
            for place, event in enumerate(events)
            if event[2] == arm and (not form or (event[0], form) in self._layout.designated)
        ]
        match which:
            case "previous":
                return max((place for place in inside if place < code), default=-1)
            case "next":
                return min((place for place in inside if place > code), default=-1)
            case "first":
                return min(inside, default=-1)
            case _:
                return max(inside, default=-1)

    def _find(self, reference: Reference, form: str) -> Codes:
        event = self.event(reference.event, form)
        if reference.instance:
            return self._find_instance(reference.instance, event, form=form)
        if not reference.event:
            return self._own(form)
        return np.where(event == self._keys.event, self._own(form), self._find_first(event, form))

    def _own(self, form: str) -> Codes:
        keys = self._keys
        nothing = np.zeros(keys.size, dtype=np.int64)
        is_own = (keys.instrument == 0) | (keys.instrument == keys.instruments.get(form, -1))
        if is_own.all():
            return np.arange(keys.size)
        return np.where(is_own, np.arange(keys.size), keys.find(keys.event, nothing, nothing))

    def _find_first(self, event: Codes, form: str) -> Codes:
        instrument, does_repeat = self._place(event, form)
        return self._keys.find(event, instrument, does_repeat.astype(np.int64))

    def _find_instance(self, which: str, event: Codes, *, form: str) -> Codes:
        instrument, does_repeat = self._place(event, form)
        number = self.instance(which, event, instrument=instrument)
        base = 0 if which.endswith("-instance") or int(which[:9]) == 1 else -1
        return self._keys.find(event, instrument, np.where(does_repeat, number, base))

    def _place(self, event: Codes, form: str) -> tuple[Codes, Bools]:
        """Give the instrument code of the rows that hold this form in these events, and if they repeat."""
        form_repeats = self._keys.repeats(form)[event] & (event >= 0)
        event_repeats = self._keys.repeats("")[event] & (event >= 0)
        instrument = np.where(form_repeats, self._keys.instruments.get(form, 0), 0)
        return instrument, form_repeats | event_repeats
