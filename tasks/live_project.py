"""The live project: a study and what its project is, read as late as it can be, judged before it is used."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache, cached_property
from urllib.parse import urlsplit

from pydantic import ValidationError

from capstan.dictionary import Dictionary
from capstan.errors import Refused
from capstan.events import EventGrid, logic_layout
from capstan.logic import Layout
from capstan.redcap import Redcap
from capstan.store import Store, read_watermark
from capstan.structure import Structure
from capstan.study import Study

Judge = Callable[["LiveProject", Structure], None]


class LiveProject:
    """A study with its open project: the connections, the dictionary, the event grid, and the store.

    What people can redesign is read when it is first asked for, once, and judged before anybody gets it.
    Not a dataclass: Prefect would walk all of its parts each time a task is given one.
    """

    def __init__(
        self,
        study: Study,
        *,
        redcap: Redcap,
        writer: Redcap | None,
        store: Store,
        read: Callable[[], Structure],
        judge: Judge | None = None,
    ) -> None:
        self.study, self.redcap, self.store = study, redcap, store
        self._writer, self._read, self._judge = writer, cache(read), judge
        self._structure: Structure | None = None

    def __repr__(self) -> str:
        return f"<LiveProject {self.study.study}>"

    @property
    def writer(self) -> Redcap:
        """The connection that changes REDCap; a project that was opened for reading has none."""
        if self._writer is None:
            raise Refused("The project was opened for reading only; nothing may be written.")
        return self._writer

    @property
    def project(self) -> tuple[str, int]:
        """REDCap's host and the project id, by which the journal tells projects apart."""
        return urlsplit(self.study.redcap.url).hostname or "", self.study.redcap.project.id

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The key columns of this project's imports."""
        return self.grid.key_columns(self.dictionary.record_field)

    @property
    def is_read(self) -> bool:
        """Whether what people can redesign was asked for in this run."""
        return self._structure is not None

    def read(self) -> None:
        """Ask REDCap for what people can redesign, unless that was done; it is judged when it is used."""
        self._read()

    def look(self) -> Structure:
        """Judge what people can redesign, unless that was done; raises StudyError for what does not fit."""
        if self._structure is None:
            found = self._read()
            if self._judge:
                self._judge(self, found)
            self._structure = found
        return self._structure

    @property
    def structure(self) -> Structure:
        """What people can redesign, as it is now."""
        return self.look()

    @property
    def dictionary(self) -> Dictionary:
        """The data dictionary."""
        return self.structure.dictionary

    @property
    def grid(self) -> EventGrid:
        """The event grid."""
        return self.structure.grid

    @cached_property
    def layout(self) -> Layout:
        """The project as the logic language knows it."""
        return logic_layout(self.dictionary, grid=self.grid)

    @property
    def record_field(self) -> str:
        """The name of the record id field; until the project is read, what the last run knew it by."""
        known = self._structure or self.last_structure or self.structure
        return known.dictionary.record_field

    @cached_property
    def last_structure(self) -> Structure | None:
        """What it was at the last run; None before the first, or where another version wrote it."""
        kept = read_watermark(self.store, self.study.study, name=self.watermark("structure"))
        with suppress(ValidationError):
            return Structure.from_text(kept) if kept else None
        return None

    def watermark(self, name: str) -> str:
        """The name of a watermark of this project: a study that moves to another one starts anew."""
        host, number = self.project
        return f"{host}/{number} {name}"

    def close(self) -> None:
        """Close the store's connections."""
        self.store.close()
