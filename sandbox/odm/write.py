"""A project's structure to project XML (E.1 to E.7)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING

from sandbox.odm.groups import Extras, item_groups
from sandbox.odm.items import code_lists, item_defs
from sandbox.odm.text import escape, spell
from sandbox.odm.variables import global_variables
from sandbox.odm.write_data import ODM_HEAD, ClinicalOptions, clinical_data
from sandbox.project.model import Project
from sandbox.project.names import slug
from sandbox.project.parts import Event
from sandbox.render import Part, encode

if TYPE_CHECKING:
    from sandbox.session import Session

# Recordings of 8.1 and 9.1 mark no event as repeating, although some repeat.
REPEATING_EVENTS_SINCE = (10,)
PART_LINES = 1000
Lines = Iterator[str]


def write_project(session: Session, options: ClinicalOptions | None) -> Iterator[Part]:
    """Return the whole XML, made as it is read; without options it has no data."""
    project, now = session.project, session.now
    extras = options.extras if options else Extras(False, False)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S")
    version = ".".join(str(part) for part in session.version)
    head = (
        f'{ODM_HEAD}Description="{escape(project.title)}" AsOfDateTime="{stamp}" '
        f'CreationDateTime="{stamp}" SourceSystem="REDCap" SourceSystemVersion="{version}">'
    )
    # The variables read the store, which is locked only now.
    start = [head, f'<Study OID="Project.{slug(project.title)}">', *global_variables(session)]
    structure = chain(start, _metadata(session, extras), ["</Study>"])
    data = clinical_data(project, options, now=now) if options else iter(())
    return chain(_parts(structure), data, [Part(b"</ODM>", 0)])


def _parts(lines: Lines) -> Iterator[Part]:
    while chunk := list(islice(lines, PART_LINES)):
        yield Part(encode("\n".join(chunk) + "\n"), 0)


def _metadata(session: Session, extras: Extras) -> Lines:
    project = session.project
    oid = f"Metadata.{slug(project.title)}_{session.now.strftime('%Y-%m-%d_%H%M')}"
    yield (
        f'<MetaDataVersion OID="{oid}" Name="{escape(project.title)}" '
        f'redcap:RecordIdField="{project.id_field}">'
    )
    if project.is_longitudinal:
        yield "\t<Protocol>"
        for number, event in enumerate(project.ordered_events, 1):
            yield (
                f'\t\t<StudyEventRef StudyEventOID="Event.{event.unique_name}" OrderNumber="{number}" '
                'Mandatory="No"/>'
            )
        yield "\t</Protocol>"
        for event in project.ordered_events:
            is_marked = session.version >= REPEATING_EVENTS_SINCE
            repeats = is_marked and (event.event_id, "") in project.repeating
            yield from _event(project, event, repeats=repeats)
    yield from _forms(project, extras)
    yield from item_defs(project, extras, version=session.version)
    yield from code_lists(project)
    yield "</MetaDataVersion>"


def _event(project: Project, event: Event, *, repeats: bool) -> Lines:
    arm = next((arm.name for arm in project.arms if arm.number == event.arm_num), "")
    attributes = {
        "OID": f"Event.{event.unique_name}",
        "Name": f"{event.label} (Arm {event.arm_num}: {arm})",
        "Type": "Common",
        "Repeating": "Yes" if repeats else "No",
        "redcap:EventName": event.label,
        "redcap:CustomEventLabel": event.custom_label,
        "redcap:UniqueEventName": event.unique_name,
        "redcap:ArmNum": event.arm_num,
        "redcap:ArmName": arm,
        "redcap:DayOffset": f"{event.day_offset:g}",
        "redcap:OffsetMin": f"{event.offset_min:g}",
        "redcap:OffsetMax": f"{event.offset_max:g}",
    }
    yield f"\t<StudyEventDef {spell(attributes)}>"
    forms = [form.name for form in project.forms if form.name in event.forms]
    for number, name in enumerate(forms, 1):
        yield (
            f'\t\t<FormRef FormOID="Form.{name}" OrderNumber="{number}" Mandatory="No" '
            f'redcap:FormName="{name}"/>'
        )
    yield "\t</StudyEventDef>"


def _forms(project: Project, extras: Extras) -> Lines:
    groups = {form.name: item_groups(project, form, extras=extras) for form in project.forms}
    for form in project.forms:
        yield (
            f'\t<FormDef OID="Form.{form.name}" Name="{escape(form.label)}" Repeating="No" '
            f'redcap:FormName="{form.name}">'
        )
        for group in groups[form.name]:
            yield f'\t\t<ItemGroupRef ItemGroupOID="{group.oid}" Mandatory="No"/>'
        yield "\t</FormDef>"
    for group in (group for form in project.forms for group in groups[form.name]):
        yield f'\t<ItemGroupDef OID="{group.oid}" Name="{escape(group.name)}" Repeating="No">'
        for item in group.items:
            required = "Yes" if item.required else "No"
            yield (
                f'\t\t<ItemRef ItemOID="{item.oid}" Mandatory="{required}" '
                f'redcap:Variable="{item.variable}"/>'
            )
        yield "\t</ItemGroupDef>"
