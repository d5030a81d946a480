"""The flat export: one line per row key, blanks and zeros as recorded (C.2 to C.8)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.exports.cells import (
    PSEUDO_LABELS,
    Show,
    Style,
    blank_of,
    event_label,
    header_label,
    shower,
    strip_tags,
)
from sandbox.exports.columns import Selection
from sandbox.exports.rows import Rows, in_order
from sandbox.model import Column, Project, RowKey
from sandbox.render import Cell

Table = tuple[list[str], list[list[Cell]]]
# Up to 9.x the first instance of a repeating event showed 0 for the id form's status (C.9).
QUIRK_BEFORE = (10,)


@dataclass(frozen=True)
class FlatExport:
    """All that a flat export needs besides the rows."""

    project: Project
    selection: Selection
    style: Style
    groups: Mapping[str, str] = field(default_factory=dict)
    pseudo: Mapping[RowKey, Mapping[str, str]] = field(default_factory=dict)
    hash_ids: bool = False


def flat_table(export: FlatExport, rows: Rows) -> Table:
    """Lay rows out as a table: header and lines in REDCap's order."""
    keys = in_order(export.project, rows)
    columns = export.selection.columns
    if not export.selection.has_id:
        names = [column.name for column in columns]
        keys = [key for key in keys if any(name in rows[key] for name in names)]
    header = [*_lead_names(export), *(column.name for column in columns)]
    if export.selection.has_id:
        # The id is the first data column, and the pseudo columns follow it.
        header = [export.project.id_field, *(name for name in header if name != export.project.id_field)]
    return header, _lines(export, keys, rows=rows)


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


def _lines(export: FlatExport, keys: Sequence[RowKey], *, rows: Rows) -> list[list[Cell]]:
    columns = [one for one in export.selection.columns if one.name != export.project.id_field]
    shows = [(index, show) for index, one in enumerate(columns) if (show := shower(one, export.style))]
    templates: dict[tuple[int, str, bool], list[tuple[str, str]]] = {}
    lines: list[list[Cell]] = []
    for key in keys:
        kind = (key.event_id, key.instrument, key.instance > 0)
        template = templates.get(kind)
        if template is None:
            template = templates[kind] = _template(export, key, columns=columns)
        cells = rows[key]
        if key in export.pseudo:
            cells = {**cells, **export.pseudo[key]}
        line: list[Cell] = [cells.get(name, blank) for name, blank in template]
        _show(line, shows)
        _quirk(export, key, line=line, columns=columns)
        lines.append(_lead(export, key) + line)
    return lines


def _template(export: FlatExport, key: RowKey, *, columns: Sequence[Column]) -> list[tuple[str, str]]:
    applicable = {form.name: export.project.is_applicable(key, form.name) for form in export.project.forms}
    # A column that does not apply looks up a name that no row has.
    return [
        (column.name, blank_of(column, export.style)) if applicable[column.field.form_name] else ("", "")
        for column in columns
    ]


def _show(line: list[Cell], shows: Sequence[tuple[int, Show]]) -> None:
    for index, show in shows:
        if line[index] != "":
            line[index] = show(str(line[index]))


def _quirk(export: FlatExport, key: RowKey, *, line: list[Cell], columns: Sequence[Column]) -> None:
    if export.style.version >= QUIRK_BEFORE or key.instrument or key.instance != 1:
        return
    status = f"{export.project.fields[0].form_name}_complete"
    for index, column in enumerate(columns):
        if column.name == status and line[index] == "":
            line[index] = "0"


def _lead(export: FlatExport, key: RowKey) -> list[Cell]:
    project, selection = export.project, export.selection
    lead: list[Cell] = []
    if selection.has_id:
        lead.append(hashlib.md5(key.record.encode()).hexdigest() if export.hash_ids else key.record)
        if project.is_longitudinal:
            lead.append(_event_name(export, key))
        if project.is_repeating:
            lead += [_instrument_name(export, key), key.instance or ""]
    if selection.has_group:
        lead.append(export.groups.get(key.record, ""))
    if selection.has_identifier:
        lead.append(export.pseudo.get(key, {}).get("redcap_survey_identifier", ""))
    return lead


def _event_name(export: FlatExport, key: RowKey) -> str:
    if export.style.labels:
        return event_label(export.project, key.event_id)
    return export.project.event_by_id[key.event_id].unique_name


def _instrument_name(export: FlatExport, key: RowKey) -> str:
    if not export.style.labels or not key.instrument:
        return key.instrument
    labels = {form.name: form.label for form in export.project.forms}
    return strip_tags(labels.get(key.instrument, key.instrument))
