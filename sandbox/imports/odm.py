"""Rows of a record import that come as project XML's ClinicalData (D.1, E.8)."""

from __future__ import annotations

from sandbox.errors import BAD_FORMAT, ApiError
from sandbox.imports.payload import Row
from sandbox.model import Project, RowKey
from sandbox.odm.read_data import read_data
from sandbox.odm.text import parse


def read_odm_rows(text: str, project: Project) -> list[Row]:
    """Read ClinicalData as rows like those of a flat payload; files are left out."""
    try:
        found = read_data(parse(text), project)
    except ValueError as error:
        raise ApiError(BAD_FORMAT) from error
    rows: dict[RowKey, Row] = {}
    for (key, name, code), value in found.values.items():
        row = rows.setdefault(key, _lead(project, key))
        row[project.column_of[name, code].name] = "1" if code else value
    return list(rows.values())


def _lead(project: Project, key: RowKey) -> Row:
    return {
        project.id_field: key.record,
        "redcap_event_name": project.event_by_id[key.event_id].unique_name,
        "redcap_repeat_instrument": key.instrument,
        "redcap_repeat_instance": str(key.instance or ""),
    }
