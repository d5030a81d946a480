"""From accepted cells to stored values: what an import really changes (D.9, D.10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sandbox.imports.addressing import Placed
from sandbox.model import Column, Project, RowKey
from sandbox.storage import Change, Store
from sandbox.storage.values import split_item

Item = tuple[RowKey, str, str]


@dataclass
class Pending:
    """Values to be stored by cell; later rows win, and '' deletes."""

    project: Project
    overwrite: bool
    stored: dict[Item, str]
    wanted: dict[Item, str] = field(default_factory=dict)
    touched: dict[RowKey, set[str]] = field(default_factory=dict)

    def add_row(self, row: Placed, cells: Iterable[tuple[Column, str]]) -> None:
        """Take over one row's cells, its record id and the statuses of forms that it starts."""
        if row.is_complete:
            self._want(row.key, self.project.fields[0].field_name, code="", value=row.key.record)
        for column, value in cells:
            self._add_cell(row.key, column, value=value)

    def changes(self) -> list[Change]:
        """Return only what differs from what is stored."""
        self._start_forms()
        return [
            Change(*item, value) for item, value in self.wanted.items() if self.stored.get(item, "") != value
        ]

    def _add_cell(self, key: RowKey, column: Column, *, value: str) -> None:
        name = column.field.field_name
        if value == "" and not self.overwrite:
            return
        if column.code:
            value = column.code if value == "1" else ""
        self._want(key, name, code=column.code, value=value)

    def _want(self, key: RowKey, name: str, *, code: str, value: str) -> None:
        self.wanted[key, name, code] = value
        if self.stored.get((key, name, code), "") != value:
            self.touched.setdefault(key, set()).add(name)

    def _start_forms(self) -> None:
        """Give forms that get their first data the status Incomplete (D.9)."""
        fields, id_field = self.project.field_by_name, self.project.id_field
        started = {
            (key, fields[name].form_name)
            for (key, name, _), value in self.wanted.items()
            if value and name != id_field and not fields[name].is_status
        }
        for key, form in started:
            status = (key, f"{form}_complete", "")
            if not self.stored.get(status) and not self.wanted.get(status):
                self.wanted[status] = "0"


def load_stored(store: Store, project: Project, *, records: Sequence[str]) -> dict[Item, str]:
    """Return stored values of some records by cell."""
    return {
        (key, *pair): pair[1] or value
        for key, found in store.values.rows(project.project_id, records)
        for stored, value in found.items()
        for pair in [split_item(stored)]
    }


def highest_instances(stored: Iterable[Item]) -> dict[tuple[str, int, str], int]:
    """Return the highest instance in use by record, event and instrument."""
    found: dict[tuple[str, int, str], int] = {}
    for key, _, _ in stored:
        where = (key.record, key.event_id, key.instrument)
        found[where] = max(found.get(where, 0), key.instance)
    return found
