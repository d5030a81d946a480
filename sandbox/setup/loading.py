"""Subjects of project XML into the store, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from lxml import etree

from sandbox.odm.read_data import Subject, SubjectReader
from sandbox.project.model import Project
from sandbox.storage import LogRow, Store
from sandbox.storage.values import StoredRow

CHUNK_SUBJECTS = 500


def load_subjects(
    store: Store, project: Project, *, elements: Iterable[etree._Element], now: str, username: str
) -> None:
    """Store what each SubjectData says, with its log row; one without a usable record id is left out."""
    reader = SubjectReader(project)
    subjects = (subject for subject in map(reader.read, elements) if subject.record)
    groups = {group.unique_name: group.group_id for group in project.groups}
    while chunk := list(islice(subjects, CHUNK_SUBJECTS)):
        for subject in chunk:
            _store_files(store, project, subject=subject)
            if subject.group in groups:
                store.groups.assign(project.project_id, subject.record, group_id=groups[subject.group])
        store.values.add(project.project_id, (row for subject in chunk for row in _rows(subject)))
        log_rows = [_logged(project, one.record, now=now, username=username) for one in chunk]
        store.log.add(project.project_id, log_rows)


def _logged(project: Project, record: str, *, now: str, username: str) -> LogRow:
    details = f"{project.id_field} = '{record}'"
    return LogRow(now, username, "record_add", f"Create record (import) {record}", details, record)


def _store_files(store: Store, project: Project, *, subject: Subject) -> None:
    for key, name, file in subject.files:
        subject.cells[key][name] = str(store.files.add(project.project_id, file))


def _rows(subject: Subject) -> Iterator[StoredRow]:
    return (StoredRow(key, cells, subject.surveys.get(key, {})) for key, cells in subject.cells.items())
