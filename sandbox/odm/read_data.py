"""ClinicalData of project XML to stored values (E.8)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lxml import etree

from sandbox.numbers import read_whole
from sandbox.odm.text import O, ours
from sandbox.project.field import Column
from sandbox.project.model import Project
from sandbox.project.names import name_problem
from sandbox.project.parts import RowKey
from sandbox.storage import StoredFile, item
from sandbox.storage.values import Cells

_ITEMS = (f"{O}ItemData", f"{O}ItemDataBase64Binary")


@dataclass
class Subject:
    """What an XML says about one record: cells by `item`, survey columns, files by field."""

    record: str
    cells: dict[RowKey, Cells] = field(default_factory=dict)
    surveys: dict[RowKey, Cells] = field(default_factory=dict)
    files: list[tuple[RowKey, str, StoredFile]] = field(default_factory=list)
    group: str = ""


class _Place(NamedTuple):
    record: str
    event_id: int
    instance: int


class SubjectReader:
    """Reads subjects of one project; items that the project does not have are left out."""

    def __init__(self, project: Project) -> None:
        self._project = project
        # By item: how its cell is called, and of which kind it is.
        self._texts: dict[str, str] = {}
        self._moments: dict[str, str] = {}
        self._options: dict[str, str] = {}
        self._files: set[str] = set()
        self._pseudo = {"redcap_survey_identifier", *(f"{form}_timestamp" for form in project.surveys)}
        for column in project.columns:
            self._note(column)

    def _note(self, column: Column) -> None:
        name, one = column.name, column.field
        if column.code:
            self._options[name] = item(one.field_name, column.code)
        elif one.field_type == "file":
            self._files.add(name)
        elif one.validation.startswith("datetime"):
            self._moments[name] = name
        # A calculation that reads no field waits for a save (golden/validation-types-1).
        elif one.field_type != "calc" or "[" in one.select_choices_or_calculations:
            self._texts[name] = name

    def read(self, element: etree._Element) -> Subject:
        """Read one SubjectData; its record is '' when it cannot be one."""
        record = element.get("SubjectKey", "").strip()
        subject = Subject("" if name_problem(record) else record)
        for place, form in self._forms(element, subject.record):
            self._read_form(subject, form, place=place)
        return subject

    def _forms(self, element: etree._Element, record: str) -> Iterator[tuple[_Place, etree._Element]]:
        project = self._project
        for form in element.iterfind(f"{O}FormData"):
            event_id = project.ordered_events[0].event_id
            yield self._place(record, event_id, number=form.get("FormRepeatKey", "")), form
        for visit in element.iterfind(f"{O}StudyEventData"):
            name = ours(visit, "UniqueEventName") or visit.get("StudyEventOID", "").removeprefix("Event.")
            event = project.event_by_name.get(name)
            if event is not None:
                place = self._place(record, event.event_id, number=visit.get("StudyEventRepeatKey", ""))
                # A visit without forms is a row that holds the record id alone.
                yield from ((place, form) for form in visit.findall(f"{O}FormData") or [visit])

    def _place(self, record: str, event_id: int, *, number: str) -> _Place:
        repeats = (event_id, "") in self._project.repeating
        return _Place(record, event_id, read_whole(number) if repeats else 0)

    def _read_form(self, subject: Subject, form: etree._Element, *, place: _Place) -> None:
        name = form.get("FormOID", "").removeprefix("Form.")
        key = RowKey(place.record, place.event_id, "", place.instance)
        if name and (place.event_id, name) in self._project.repeating:
            key = key._replace(instrument=name, instance=read_whole(form.get("FormRepeatKey", "")))
        # Only the first form has the record id; every other touched row relies on SubjectKey.
        cells = subject.cells.setdefault(key, {self._project.id_field: place.record})
        texts = self._texts
        for one in form.iter(*_ITEMS):
            oid, value = one.get("ItemOID", ""), one.get("Value", "")
            if oid in texts:
                if value:
                    cells[oid] = value
            else:
                self._read_other(subject, one, key=key)
        cells[self._project.id_field] = place.record

    def _read_other(self, subject: Subject, one: etree._Element, *, key: RowKey) -> None:
        oid, value = one.get("ItemOID", ""), one.get("Value", "")
        if oid in self._options:
            # An option that is not ticked is not stored at all.
            if value == "1":
                subject.cells[key][self._options[oid]] = "1"
        elif oid in self._moments and value:
            subject.cells[key][oid] = value.replace("T", " ", 1)
        elif oid in self._pseudo and value:
            subject.surveys.setdefault(key, {})[oid] = value
        elif oid == "redcap_data_access_group":
            subject.group = value
        elif oid in self._files and one.text:
            subject.files.append((key, oid, _file(one)))


def _file(one: etree._Element) -> StoredFile:
    # What is not base64 raises `ValueError`, as what is not XML does.
    return StoredFile(ours(one, "DocName"), ours(one, "MimeType"), base64.b64decode(one.text or ""))
