"""The flat export: one line per row key, blanks and zeros as recorded (C.2 to C.8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from sandbox.exports.cells import (
    PSEUDO_LABELS,
    Show,
    Style,
    blank_of,
    combined,
    event_label,
    form_label,
    header_label,
    shower,
)
from sandbox.exports.columns import Selection
from sandbox.project.field import Column
from sandbox.project.model import Project
from sandbox.project.parts import RowKey
from sandbox.render import Cell
from sandbox.storage.rows import Row
from sandbox.storage.values import SEPARATOR, Cells, StoredRow, item

# Up to 9.x the first instance of a repeating event showed 0 for the id form's status (C.9).
QUIRK_BEFORE = (10,)


@dataclass(frozen=True)
class FlatExport:
    """All that a flat export needs besides the rows; `groups` are names of access groups by record."""

    project: Project
    selection: Selection
    style: Style
    groups: Mapping[str, str] = field(default_factory=dict)


class _Kind(NamedTuple):
    """What the rows of one event and instrument have in common; `read` returns a row's cells by column."""

    event: str
    instrument: str
    blanks: Cells
    read: Callable[[Cells], Iterable[str]]
    shows: list[tuple[int, Show]]
    combined: list[tuple[int, Mapping[str, str]]]


class Flat:
    """Lays rows out as lines; what each kind of row looks like is found once.

    With `by_item` the cells of rows are named as they are stored, else by column.
    """

    def __init__(self, export: FlatExport, *, by_item: bool = False) -> None:
        self._export, self._selection = export, export.selection
        self._cell_name = _item_of if by_item else _name_of
        id_field = export.project.id_field
        self._columns = [one for one in export.selection.columns if one.name != id_field]
        self._leads = _lead_names(export)
        self._stored = self._stored_names()
        self._kinds: dict[tuple[int, str, bool, bool], _Kind] = {}
        # The id is the first data column, and the pseudo columns follow it.
        self.header = [
            *[id_field] * export.selection.has_id,
            *self._leads,
            *(one.name for one in self._columns),
        ]

    def lines(self, rows: Iterable[Row | StoredRow]) -> Iterator[list[Cell]]:
        """Yield a line per row; without the id only of rows that have any value of the columns (C.4)."""
        for row in rows:
            if self._selection.has_id or not self._stored.isdisjoint((*row.cells, *row.survey)):
                yield self._line(row)

    def _line(self, row: Row | StoredRow) -> list[Cell]:
        key, cells, survey = row
        kind = self._kind(key)
        line = self._lead(key, kind, survey=survey)
        start = len(line)
        line += kind.read(kind.blanks | cells | survey if survey else kind.blanks | cells)
        for index, show in kind.shows:
            value = line[start + index]
            if value != "":
                line[start + index] = show(str(value))
        for index, options in kind.combined:
            line[start + index] = ",".join(shown for name, shown in options.items() if name in cells)
        return line

    def _lead(self, key: RowKey, kind: _Kind, *, survey: Mapping[str, str]) -> list[Cell]:
        project, selection = self._export.project, self._selection
        lead: list[Cell] = []
        if selection.has_id:
            lead.append(key.record)
            if project.is_longitudinal:
                lead.append(kind.event)
            if project.is_repeating:
                lead += [kind.instrument, key.instance or ""]
        if selection.has_group:
            lead.append(self._export.groups.get(key.record, ""))
        if selection.has_identifier:
            lead.append(survey.get("redcap_survey_identifier", ""))
        return lead

    def _kind(self, key: RowKey) -> _Kind:
        place = (key.event_id, key.instrument, key.instance > 0, key.instance == 1)
        kind = self._kinds.get(place)
        if kind is None:
            kind = self._kinds[place] = self._find_kind(key)
        return kind

    def _find_kind(self, key: RowKey) -> _Kind:
        project, style = self._export.project, self._export.style
        event = project.event_by_id[key.event_id].unique_name
        forms = {form.name for form in project.forms if project.is_applicable(key, form.name)}
        own = [(index, one) for index, one in enumerate(self._columns) if one.field.form_name in forms]
        blanks = [blank_of(one, style) if one.field.form_name in forms else "" for one in self._columns]
        blanks = _with_quirk(self._export, key, columns=self._columns, blanks=blanks)
        # A column that does not apply has a name that no cell of a row has.
        names = [
            ("" if one.field.form_name in forms else SEPARATOR) + self._cell_name(one)
            for one in self._columns
        ]
        return _Kind(
            event=event_label(project, key.event_id) if style.labels else event,
            instrument=form_label(project, key.instrument) if style.labels else key.instrument,
            blanks=dict(zip(names, blanks, strict=True)),
            read=_reader(names),
            shows=[(index, show) for index, one in own if (show := shower(one, style))],
            combined=[(index, found) for index, one in own if (found := self._options(one))],
        )

    def _options(self, column: Column) -> dict[str, str]:
        """Return what a column of combined options shows for each option's cell."""
        of = self._export.project.column_of
        shown = combined(column, self._export.style)
        return {self._cell_name(of[column.field.field_name, code]): text for code, text in shown.items()}

    def _stored_names(self) -> frozenset[str]:
        """Return the names of all cells that the columns are made of."""
        fields = {one.field.field_name for one in self._selection.columns}
        columns = [one for one in self._export.project.columns if one.field.field_name in fields]
        return frozenset(fields.union(map(self._cell_name, columns)))


def _reader(names: Sequence[str]) -> Callable[[Cells], Iterable[str]]:
    # Of a single name `itemgetter` makes no tuple.
    return itemgetter(*names) if len(names) > 1 else lambda cells: [cells[name] for name in names]


def _name_of(column: Column) -> str:
    return column.name


def _item_of(column: Column) -> str:
    return item(column.field.field_name, column.code)


def label_header(export: FlatExport, header: Sequence[str]) -> list[str]:
    """Return the headings that rawOrLabelHeaders=label gives."""
    by_name = {column.name: column for column in export.selection.columns}
    return [PSEUDO_LABELS.get(name) or header_label(by_name[name]) for name in header]


def _lead_names(export: FlatExport) -> list[str]:
    project, selection = export.project, export.selection
    names: list[str] = []
    if selection.has_id and project.is_longitudinal:
        names.append("redcap_event_name")
    if selection.has_id and project.is_repeating:
        names += ["redcap_repeat_instrument", "redcap_repeat_instance"]
    names += ["redcap_data_access_group"] * selection.has_group
    names += ["redcap_survey_identifier"] * selection.has_identifier
    return names


def _with_quirk(
    export: FlatExport, key: RowKey, *, columns: Sequence[Column], blanks: list[str]
) -> list[str]:
    if export.style.version >= QUIRK_BEFORE or key.instrument or key.instance != 1:
        return blanks
    status = f"{export.project.fields[0].form_name}_complete"
    return [blank or "0" if one.name == status else blank for one, blank in zip(columns, blanks, strict=True)]
