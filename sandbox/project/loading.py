"""Subjects of project XML into the store, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from lxml import etree

from sandbox.odm.read_data import Subject, SubjectReader
from sandbox.project.model import Project
from sandbox.storage import Store
from sandbox.storage.values import StoredRow

CHUNK_SUBJECTS = 500


def load_subjects(store: Store, project: Project, *, elements: Iterable[etree._Element]) -> None:
    """Store what each SubjectData says; one without a usable record id is left out."""
    reader = SubjectReader(project)
    subjects = (subject for subject in map(reader.read, elements) if subject.record)
    groups = {group.unique_name: group.group_id for group in project.groups}
    while chunk := list(islice(subjects, CHUNK_SUBJECTS)):
        for subject in chunk:
            _store_files(store, project, subject=subject)
            if subject.group in groups:
                store.groups.assign(project.project_id, subject.record, group_id=groups[subject.group])
        store.values.add(project.project_id, (row for subject in chunk for row in _rows(subject)))


def _store_files(store: Store, project: Project, *, subject: Subject) -> None:
    for key, name, file in subject.files:
        subject.cells[key][name] = str(store.files.add(project.project_id, file))


def _rows(subject: Subject) -> Iterator[StoredRow]:
    return (StoredRow(key, cells, subject.surveys.get(key, {})) for key, cells in subject.cells.items())
