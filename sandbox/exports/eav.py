"""The EAV export: one line per stored value (C.11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sandbox.exports.cells import Show, Style, labels_of, shower
from sandbox.exports.columns import TIMESTAMP, Selection
from sandbox.project.field import Column
from sandbox.project.model import Project
from sandbox.project.parts import RowKey
from sandbox.render import Cell
from sandbox.storage.values import StoredRow, item


class Eav:
    """Lists the stored values of rows, in storage order inside a row."""

    def __init__(
        self, project: Project, selection: Selection, *, style: Style, groups: Mapping[str, str]
    ) -> None:
        self._project, self._selection, self._groups = project, selection, groups
        self._columns = {
            item(one.field.field_name, one.code): (one.field.field_name, _shower(one, style))
            for one in selection.columns
        }
        self.header = _header(project)

    def lines(self, rows: Iterable[StoredRow]) -> Iterator[list[Cell]]:
        """Yield a line per value; checked options have their code, survey columns come last."""
        columns = self._columns
        for row in rows:
            lead = self._lead(row.key)
            for name, value in (row.cells | row.survey).items():
                if name in columns:
                    field, show = columns[name]
                    yield [*lead, field, value if show is None else show(value)]
            for pair in self._extra(row):
                yield [*lead, *pair]

    def _extra(self, row: StoredRow) -> Iterator[tuple[str, str]]:
        # Neither of these two is recorded (J.1).
        if self._selection.has_group and self._groups.get(row.key.record):
            yield "redcap_data_access_group", self._groups[row.key.record]
        if self._selection.has_identifier and row.survey.get("redcap_survey_identifier"):
            yield "redcap_survey_identifier", row.survey["redcap_survey_identifier"]

    def _lead(self, key: RowKey) -> list[Cell]:
        project = self._project
        lead: list[Cell] = [key.record]
        if project.is_longitudinal:
            lead.append(project.event_by_id[key.event_id].unique_name)
        if project.is_repeating:
            lead += [key.instrument, key.instance or ""]
        return lead


def _header(project: Project) -> list[str]:
    names = ["record"]
    if project.is_longitudinal:
        names.append("redcap_event_name")
    if project.is_repeating:
        names += ["redcap_repeat_instrument", "redcap_repeat_instance"]
    return [*names, "field_name", "value"]


def _shower(column: Column, style: Style) -> Show | None:
    """Show values as in a flat export, but files as their document ids and checked options by label."""
    if column.field.field_type in ("file", TIMESTAMP):
        return None
    if not column.code:
        return shower(column, style)
    labels = labels_of(column.field, style) if style.labels else {}
    shown = labels.get(column.code, column.code)
    return lambda _: shown
