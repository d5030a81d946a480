"""Stored values to ClinicalData (E.8, E.9)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from sandbox.exports.rows import Rows, in_order
from sandbox.model import Form, Project, RowKey
from sandbox.names import slug
from sandbox.odm.groups import Extras, ItemGroup, item_groups
from sandbox.odm.text import attribute
from sandbox.storage import Store

ODM_HEAD = (
    '<?xml version="1.0" encoding="UTF-8" ?>\n<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" '
    'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:redcap="https://projectredcap.org" xsi:schemaLocation="http://www.cdisc.org/ns/odm/v1.3 '
    'schema/odm/ODM1-3-1.xsd" ODMVersion="1.3.1" FileOID="000-00-0000" FileType="Snapshot" '
)


@dataclass(frozen=True)
class ClinicalOptions:
    """Which data an XML gets; no `fields` means all."""

    rows: Rows
    fields: frozenset[str] = frozenset()
    files: bool = False
    groups: bool = False
    surveys: bool = False


@dataclass(frozen=True)
class _Writer:
    store: Store
    project: Project
    options: ClinicalOptions
    groups: Mapping[str, str]
    pseudo: Mapping[RowKey, Mapping[str, str]]
    parts: Mapping[str, list[ItemGroup]] = field(default_factory=dict)


def clinical_document(store: Store, project: Project, *, rows: Rows, now: datetime) -> str:
    """Return records as XML without a study, as a record export with format=odm has it (E.1)."""
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S")
    head = (
        f'{ODM_HEAD}Description="{attribute(project.title)}" AsOfDateTime="{stamp}" '
        f'CreationDateTime="{stamp}" SourceSystem="REDCap">\n'
    )
    return head + clinical_data(store, project, options=ClinicalOptions(rows), now=now) + "</ODM>"


def clinical_data(store: Store, project: Project, *, options: ClinicalOptions, now: datetime) -> str:
    """Return the ClinicalData element with all rows."""
    extras = Extras(options.groups, options.surveys)
    names = {one.group_id: one.unique_name for one in project.groups}
    writer = _Writer(
        store,
        project,
        options,
        groups={
            record: names[one]
            for record, one in store.groups.by_record(project.project_id).items()
            if one in names
        },
        pseudo=dict(store.values.surveys(project.project_id)),
        parts={form.name: item_groups(project, form, extras=extras) for form in project.forms},
    )
    name = slug(project.title)
    lines = [
        f'<ClinicalData StudyOID="Project.{name}" '
        f'MetaDataVersionOID="Metadata.{name}_{now.strftime("%Y-%m-%d_%H%M")}">'
    ]
    for record, keys in groupby(in_order(project, options.rows), lambda key: key.record):
        lines.append(
            f'\t<SubjectData SubjectKey="{attribute(record)}" redcap:RecordIdField="{project.id_field}">'
        )
        lines += _subject(writer, list(keys))
        lines.append("\t</SubjectData>")
    return "\n".join([*lines, "</ClinicalData>"]) + "\n"


def _subject(writer: _Writer, keys: list[RowKey]) -> Iterator[str]:
    project = writer.project
    order = project.event_order

    def visit(key: RowKey) -> tuple[int, int]:
        # A repeating instrument stays in its event's first visit.
        return order[key.event_id], 1 if key.instrument or not key.instance else key.instance

    for (_, number), group in groupby(sorted(keys, key=visit), visit):
        inside = list(group)
        name = project.event_by_id[inside[0].event_id].unique_name
        if project.is_longitudinal:
            yield (
                f'\t\t<StudyEventData StudyEventOID="Event.{name}" StudyEventRepeatKey="{number}" '
                f'redcap:UniqueEventName="{name}">'
            )
        for key in inside:
            for form in project.forms:
                yield from _form(writer, key, form=form)
        if project.is_longitudinal:
            yield "\t\t</StudyEventData>"


def _form(writer: _Writer, key: RowKey, *, form: Form) -> Iterator[str]:
    if not writer.project.is_applicable(key, form.name):
        return
    values = _values(writer, key, form=form)
    if not values and key.instrument != form.name:
        return
    number = key.instance if key.instrument else 1
    yield f'\t\t\t<FormData FormOID="Form.{form.name}" FormRepeatKey="{number}">'
    written: set[str] = set()
    for part in writer.parts[form.name]:
        items = [item.oid for item in part.items if item.oid in values and item.oid not in written]
        written.update(items)
        if items:
            yield f'\t\t\t\t<ItemGroupData ItemGroupOID="{part.oid}" ItemGroupRepeatKey="1">'
            yield from (_item(writer, oid, value=values[oid]) for oid in items)
            yield "\t\t\t\t</ItemGroupData>"
    yield "\t\t\t</FormData>"


def _values(writer: _Writer, key: RowKey, *, form: Form) -> dict[str, str]:
    """Return a form's values by item; checkbox zeros only where the form has any data."""
    project, wanted, cells = writer.project, writer.options.fields, writer.options.rows[key]
    columns = [one for one in project.columns if one.field.form_name == form.name]
    if not any(column.name in cells for column in columns):
        return {}
    values = {one.name: cells.get(one.name, "0" if one.code else "") for one in columns}
    if project.id_field in values:
        values["redcap_data_access_group"] = writer.groups.get(key.record, "")
    pseudo = writer.pseudo.get(key, {})
    values |= {name: pseudo[name] for name in pseudo if name == f"{form.name}_timestamp"}
    if project.id_field in values and "redcap_survey_identifier" in pseudo:
        values["redcap_survey_identifier"] = pseudo["redcap_survey_identifier"]
    return {
        name: value
        for name, value in values.items()
        if value and (not wanted or name not in project.column_by_name or _is_wanted(writer, name))
    }


def _is_wanted(writer: _Writer, name: str) -> bool:
    return writer.project.column_by_name[name].field.field_name in writer.options.fields


def _item(writer: _Writer, oid: str, *, value: str) -> str:
    column = writer.project.column_by_name.get(oid)
    if column is not None and column.field.field_type == "file":
        return _file(writer, oid, doc_id=value)
    if column is not None and column.field.validation.startswith("datetime"):
        value = value.replace(" ", "T", 1)
    return f'\t\t\t\t\t<ItemData ItemOID="{oid}" Value="{attribute(value)}"/>'


def _file(writer: _Writer, oid: str, *, doc_id: str) -> str:
    stored = writer.store.files.get(doc_id) if writer.options.files else None
    if stored is None:
        return ""
    name, mime, content = stored
    encoded = base64.b64encode(content).decode()
    return (
        f'\t\t\t\t\t<ItemDataBase64Binary ItemOID="{oid}" redcap:DocName="{attribute(name)}" '
        f'redcap:MimeType="{attribute(mime)}"><![CDATA[{encoded}]]></ItemDataBase64Binary>'
    )
