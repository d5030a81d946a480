"""Where each row of an export stands, as whole numbers, and the way from such a place to its row."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from capstan.logic.layout import Layout
from capstan.logic.words import Bools, Codes, Objects

_HIGHEST_INSTANCE = 1_000_000  # REDCap's own limit is far lower; this keeps every key within 64 bits


class RowKeys:
    """The places of all rows: record, event and instrument as codes, instance as a number.

    Instrument code 0 and instance 0 stand for "none", so a row of a repeating event has instrument 0 and
    an instance. `events` and `instruments` map names to codes. No row is -1 wherever rows are numbered.
    """

    def __init__(self, data: pd.DataFrame, layout: Layout) -> None:
        self.size = len(data)
        self.record = pd.factorize(data[layout.record_field])[0].astype(np.int64)
        known = [name for name, *_ in layout.events] or [""]
        self.event, self.events = _coded(_cells(data, "redcap_event_name"), known)
        instruments = _cells(data, "redcap_repeat_instrument")
        self.instrument, self.instruments = _coded(instruments, ["", *sorted(set(layout.form_of.values()))])
        self._repeats = layout.repeating
        self.instance = self._instances(_cells(data, "redcap_repeat_instance"))
        self._width = int(self.instance.max(initial=0)) + 2
        self._sort()

    def _instances(self, cells: Objects) -> Codes:
        codes, distinct = pd.factorize(cells)
        read = np.array([_instance(text) for text in distinct], dtype=np.int64)[codes]
        # An import that names no instance in a repeating event means the first (redcap-api D.6).
        is_first = (read == 0) & (self.instrument == 0) & self.repeats("")[self.event]
        return np.where(is_first, 1, read)

    def _sort(self) -> None:
        keys = self._group(self.record, self.event, self.instrument) * self._width + self.instance
        keys[self.instance < 0] = -1
        self._order = np.argsort(keys, kind="stable")  # of two rows with one key the later is found
        self._keys = keys[self._order]

    def _group(self, record: Codes, event: Codes, instrument: Codes) -> Codes:
        return (record * len(self.events) + event) * len(self.instruments) + instrument

    def repeats(self, form: str) -> Bools:
        """Say for each event code whether the form repeats there; form `""` asks for the event itself."""
        return np.array([(event, form) in self._repeats for event in self.events], dtype=np.bool_)

    def find(self, event: Codes, instrument: Codes, instance: Codes) -> Codes:
        """Give for each row the row of the same record at that place."""
        keys = self._group(self.record, event, instrument) * self._width + instance
        is_possible = (event >= 0) & (instance >= 0) & (instance < self._width)
        places = np.searchsorted(self._keys, keys, side="right") - 1
        is_found = is_possible & (places >= 0) & (self._keys[places] == keys)
        return np.where(is_found, self._order[places], -1)

    def first_instance(self, event: Codes, instrument: Codes) -> Codes:
        """Give for each row the lowest instance of the same record at that place, 0 for none."""
        groups = self._group(self.record, event, instrument)
        places = np.searchsorted(self._keys, groups * self._width + 1, side="left")
        return self._instance_at(places, groups, event=event)

    def last_instance(self, event: Codes, instrument: Codes) -> Codes:
        """Give for each row the highest instance of the same record at that place, 0 for none."""
        groups = self._group(self.record, event, instrument)
        places = np.searchsorted(self._keys, (groups + 1) * self._width, side="left") - 1
        return self._instance_at(places, groups, event=event)

    def _instance_at(self, places: Codes, groups: Codes, *, event: Codes) -> Codes:
        keys = self._keys[np.clip(places, 0, max(self.size - 1, 0))]
        is_there = (places >= 0) & (places < self.size) & (event >= 0) & (keys // self._width == groups)
        return np.where(is_there, keys % self._width, 0)


def _cells(data: pd.DataFrame, column: str) -> Objects:
    cells = data[column] if column in data else pd.Series("", index=data.index, dtype="str")
    return cells.to_numpy(dtype=np.object_)


def _coded(cells: Objects, known: Iterable[str]) -> tuple[Codes, dict[str, int]]:
    codes, distinct = pd.factorize(cells)
    names = {name: code for code, name in enumerate(dict.fromkeys([*known, *distinct]))}
    return np.array([names[name] for name in distinct], dtype=np.int64)[codes], names


def _instance(text: str) -> int:
    if text == "":
        return 0
    is_whole = text.isascii() and text.isdigit() and len(text) <= 7
    return int(text) if is_whole and 1 <= int(text) <= _HIGHEST_INSTANCE else -1
