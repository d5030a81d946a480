"""Stored values to ClinicalData (E.8, E.9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sandbox.odm.cells import Plan, form_lines, form_plan
from sandbox.odm.groups import Extras
from sandbox.odm.text import escape
from sandbox.project.model import Project
from sandbox.project.names import slug
from sandbox.project.parts import RowKey
from sandbox.render import Part, encode
from sandbox.storage.files import Files
from sandbox.storage.rows import Row

ODM_HEAD = (
    '<?xml version="1.0" encoding="UTF-8" ?>\n<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" '
    'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:redcap="https://projectredcap.org" xsi:schemaLocation="http://www.cdisc.org/ns/odm/v1.3 '
    'schema/odm/ODM1-3-1.xsd" ODMVersion="1.3.1" FileOID="000-00-0000" FileType="Snapshot" '
)


@dataclass(frozen=True)
class ClinicalOptions:
    """Which data an XML gets, in chunks of whole records; None leaves access groups or files out."""

    chunks: Iterable[Sequence[Row]]
    fields: frozenset[str]
    groups: Mapping[str, str] | None = None
    surveys: bool = False
    files: Files | None = None

    @property
    def extras(self) -> Extras:
        return Extras(self.groups is not None, self.surveys)


def clinical_document(project: Project, options: ClinicalOptions, *, now: datetime) -> Iterator[Part]:
    """Yield records as XML without a study, as a record export with format=odm has it (E.1)."""
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S")
    head = (
        f'{ODM_HEAD}Description="{escape(project.title)}" AsOfDateTime="{stamp}" '
        f'CreationDateTime="{stamp}" SourceSystem="REDCap">\n'
    )
    yield Part(encode(head), 0)
    yield from clinical_data(project, options, now=now)
    yield Part(b"</ODM>", 0)


def clinical_data(project: Project, options: ClinicalOptions, *, now: datetime) -> Iterator[Part]:
    """Yield the ClinicalData element with all rows."""
    name = slug(project.title)
    head = (
        f'<ClinicalData StudyOID="Project.{name}" '
        f'MetaDataVersionOID="Metadata.{name}_{now.strftime("%Y-%m-%d_%H%M")}">\n'
    )
    yield Part(encode(head), 0)
    writer = _Writer(project, options)
    for chunk in options.chunks:
        lines = (
            line
            for subject in groupby(chunk, lambda row: row.key.record)
            for line in writer.subject(*subject)
        )
        yield Part(encode("\n".join(lines) + "\n"), len(chunk))
    yield Part(b"</ClinicalData>\n", 0)


class _Writer:
    """Writes subjects; which forms a kind of row has is found once."""

    def __init__(self, project: Project, options: ClinicalOptions) -> None:
        self._project, self._options = project, options
        self._plans = {
            form.name: form_plan(
                project, form, extras=options.extras, fields=options.fields, files=options.files
            )
            for form in project.forms
        }
        self._kinds: dict[tuple[int, str, bool], list[tuple[str, Plan]]] = {}

    def subject(self, record: str, rows: Iterable[Row]) -> Iterator[str]:
        """Yield one record's lines, visit by visit."""
        project = self._project
        yield f'\t<SubjectData SubjectKey="{escape(record)}" redcap:RecordIdField="{project.id_field}">'
        for (order, number), inside in groupby(sorted(rows, key=self._visit), self._visit):
            name = project.ordered_events[order].unique_name
            if project.is_longitudinal:
                yield (
                    f'\t\t<StudyEventData StudyEventOID="Event.{name}" StudyEventRepeatKey="{number}" '
                    f'redcap:UniqueEventName="{name}">'
                )
            for row in inside:
                yield from self._forms(row)
            if project.is_longitudinal:
                yield "\t\t</StudyEventData>"
        yield "\t</SubjectData>"

    def _visit(self, row: Row) -> tuple[int, int]:
        # A repeating instrument stays in its event's first visit.
        key = row.key
        order = self._project.event_order[key.event_id]
        return order, 1 if key.instrument or not key.instance else key.instance

    def _forms(self, row: Row) -> Iterator[str]:
        key, cells = row.key, row.cells
        if row.survey:
            cells = cells | row.survey
        group = self._options.groups.get(key.record) if self._options.groups else None
        if group:
            cells = cells | {"redcap_data_access_group": group}
        for form, plan in self._kind(key):
            lines = form_lines(plan, cells)
            if lines or key.instrument:
                number = key.instance if key.instrument else 1
                yield f'\t\t\t<FormData FormOID="Form.{form}" FormRepeatKey="{number}">'
                yield from lines
                yield "\t\t\t</FormData>"

    def _kind(self, key: RowKey) -> list[tuple[str, Plan]]:
        place = (key.event_id, key.instrument, key.instance > 0)
        kind = self._kinds.get(place)
        if kind is None:
            applicable = (
                form.name for form in self._project.forms if self._project.is_applicable(key, form.name)
            )
            kind = self._kinds[place] = [(name, self._plans[name]) for name in applicable]
        return kind
