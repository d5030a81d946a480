"""Rows of a record import that come as project XML's ClinicalData (D.1, E.8)."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

from sandbox.errors import BAD_FORMAT, ApiError
from sandbox.odm.read_data import Subject, SubjectReader
from sandbox.odm.stream import SUBJECT, elements
from sandbox.payload import Row
from sandbox.project.model import Project
from sandbox.project.parts import RowKey
from sandbox.render import encode
from sandbox.storage.values import split_item


def read_odm_rows(text: str, project: Project) -> list[Row]:
    """Read ClinicalData as rows like those of a flat payload; files are left out."""
    reader = SubjectReader(project)
    try:
        source = BytesIO(encode(text))
        return [
            row for one in elements(source) if one.tag == SUBJECT for row in _rows(reader.read(one), project)
        ]
    except ValueError as error:
        raise ApiError(BAD_FORMAT) from error


def _rows(subject: Subject, project: Project) -> Iterator[Row]:
    for key, cells in subject.cells.items():
        row = _lead(project, key)
        if subject.group:
            row["redcap_data_access_group"] = subject.group
        for name, value in cells.items():
            row[project.column_of[split_item(name)].name] = value
        yield row


def _lead(project: Project, key: RowKey) -> Row:
    return {
        project.id_field: key.record,
        "redcap_event_name": project.event_by_id[key.event_id].unique_name,
        "redcap_repeat_instrument": key.instrument,
        "redcap_repeat_instance": str(key.instance or ""),
    }
