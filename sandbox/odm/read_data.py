"""ClinicalData of project XML to stored values (E.8)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as made

from lxml import etree

from sandbox.model import Field, Project, RowKey
from sandbox.odm.text import NAMESPACES, O, R


@dataclass
class Clinical:
    """Data of one XML: values in document order, and what is no value of a field."""

    values: dict[tuple[RowKey, str, str], str] = made(default_factory=dict)
    pseudo: dict[tuple[RowKey, str], str] = made(default_factory=dict)
    groups: dict[str, str] = made(default_factory=dict)
    files: list[tuple[RowKey, str, str, str, bytes]] = made(default_factory=list)


@dataclass(frozen=True)
class _Place:
    record: str
    event_id: int
    event_repeats: bool
    event_instance: int


def read_data(root: etree._Element, project: Project) -> Clinical:
    """Read all subjects; items that the project does not have are left out."""
    found = Clinical()
    for subject in root.iterfind(f"{O}ClinicalData/{O}SubjectData", NAMESPACES):
        record = subject.get("SubjectKey", "").strip()
        for place, form in _forms(subject, project, record=record):
            _read_form(found, form, place=place, project=project)
    return found


def _forms(
    subject: etree._Element, project: Project, *, record: str
) -> Iterator[tuple[_Place, etree._Element]]:
    first = project.ordered_events[0].event_id
    for form in subject.iterfind(f"{O}FormData"):
        yield _Place(record, first, (first, "") in project.repeating, _number(form, "FormRepeatKey")), form
    for visit in subject.iterfind(f"{O}StudyEventData"):
        event = project.event_by_name.get(visit.get(f"{R}UniqueEventName", ""))
        if event is None:
            continue
        repeats = (event.event_id, "") in project.repeating
        place = _Place(record, event.event_id, repeats, _number(visit, "StudyEventRepeatKey"))
        yield from ((place, form) for form in visit.iterfind(f"{O}FormData"))


def _number(element: etree._Element, name: str) -> int:
    text = element.get(name, "1")
    return int(text) if text.isdecimal() else 1


def _read_form(found: Clinical, form: etree._Element, *, place: _Place, project: Project) -> None:
    name = form.get("FormOID", "").removeprefix("Form.")
    key = _key(place, name, project=project, number=_number(form, "FormRepeatKey"))
    # Only the first form has the record id; every other touched row relies on SubjectKey.
    found.values.setdefault((key, project.id_field, ""), place.record)
    for item in form.iter(f"{O}ItemData", f"{O}ItemDataBase64Binary"):
        oid = item.get("ItemOID", "")
        if item.tag == f"{O}ItemDataBase64Binary":
            found.files.append(
                (key, oid, item.get(f"{R}DocName", ""), item.get(f"{R}MimeType", ""), _bytes(item))
            )
        else:
            _read_item(found, oid, value=item.get("Value", ""), key=key, project=project)


def _key(place: _Place, form: str, *, project: Project, number: int) -> RowKey:
    if (place.event_id, form) in project.repeating:
        return RowKey(place.record, place.event_id, form, number)
    return RowKey(place.record, place.event_id, "", place.event_instance if place.event_repeats else 0)


def _read_item(found: Clinical, oid: str, *, value: str, key: RowKey, project: Project) -> None:
    column = project.column_by_name.get(oid)
    if column is None:
        if oid == "redcap_data_access_group":
            found.groups[key.record] = value
        elif value and (
            oid == "redcap_survey_identifier" or oid.removesuffix("_timestamp") in project.surveys
        ):
            found.pseudo[key, oid] = value
    elif column.code:
        if value == "1":
            found.values[key, column.field.field_name, column.code] = column.code
    elif value and not _waits_for_a_save(column.field):
        is_datetime = column.field.validation.startswith("datetime")
        found.values[key, oid, ""] = value.replace("T", " ", 1) if is_datetime else value


def _waits_for_a_save(field: Field) -> bool:
    """Whether a calculation reads no field: its value is not loaded (golden/validation-types-1)."""
    return field.field_type == "calc" and "[" not in field.select_choices_or_calculations


def _bytes(item: etree._Element) -> bytes:
    return base64.b64decode(item.text or "", validate=False)
