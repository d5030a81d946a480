"""A project's structure to project XML (E.1 to E.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, groupby
from typing import TYPE_CHECKING

from sandbox.members import load_roles
from sandbox.model import Event, Project
from sandbox.names import slug
from sandbox.odm.groups import Extras, item_groups
from sandbox.odm.items import code_lists, item_defs
from sandbox.odm.read import CLASSIC_EVENT
from sandbox.odm.roles import role_attributes
from sandbox.odm.settings import written_settings
from sandbox.odm.text import escape
from sandbox.odm.write_data import ODM_HEAD, ClinicalOptions, clinical_data
from sandbox.privileges import Dialect
from sandbox.render import Part, encode

if TYPE_CHECKING:
    from sandbox.session import Session

# Recordings of 8.1 and 9.1 mark no event as repeating, although some repeat.
REPEATING_EVENTS_SINCE = (10,)
Lines = Iterator[str]


def write_project(session: Session, options: ClinicalOptions | None) -> Iterator[Part]:
    """Return the whole XML, its data being made as it is read; without options it has none."""
    project, now = session.project, session.now
    extras = options.extras if options else Extras(False, False)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S")
    version = ".".join(str(part) for part in session.version)
    head = (
        f'{ODM_HEAD}Description="{escape(project.title)}" AsOfDateTime="{stamp}" '
        f'CreationDateTime="{stamp}" SourceSystem="REDCap" SourceSystemVersion="{version}">\n'
    )
    lines = [f'<Study OID="Project.{slug(project.title)}">', *_variables(session)]
    lines += [*_metadata(session, extras), "</Study>"]
    data = clinical_data(project, options, now=now) if options else iter(())
    return chain([Part(encode(head + "\n".join(lines) + "\n"), 0)], data, [Part(b"</ODM>", 0)])


def _variables(session: Session) -> Lines:
    project = session.project
    title = escape(project.title)
    yield "<GlobalVariables>"
    yield f"\t<StudyName>{title}</StudyName>"
    yield (
        "\t<StudyDescription>This file contains the metadata, events, and data for REDCap project "
        f'"{title}".</StudyDescription>'
    )
    yield f"\t<ProtocolName>{title}</ProtocolName>"
    for tag, text in written_settings(project.settings, session.version):
        yield f"\t<redcap:{tag}>{escape(text)}</redcap:{tag}>"
    yield from _repeating(project)
    if project.groups:
        yield "\t<redcap:DataAccessGroupsGroup>"
        for group in project.groups:
            yield f'\t\t<redcap:DataAccessGroups group_name="{escape(group.name)}"/>'
        yield "\t</redcap:DataAccessGroupsGroup>"
    surveys = [text for text in project.extra_xml if text.startswith("<redcap:Survey")]
    yield from (f"\t{text}" for text in surveys)
    yield from _roles(session)
    yield from (f"\t{text}" for text in project.extra_xml if text not in surveys)
    yield "</GlobalVariables>"


def _roles(session: Session) -> Lines:
    roles = load_roles(session.store, session.project_id).values()
    dialect = Dialect(session.project, session.version)
    if roles:
        yield "\t<redcap:UserRolesGroup>"
        yield from (f"\t\t<redcap:UserRoles {_spell(role_attributes(role, dialect))}/>" for role in roles)
        yield "\t</redcap:UserRolesGroup>"


def _repeating(project: Project) -> Lines:
    if not project.is_repeating:
        return
    repeats, names = project.live_repeats, _written_names(project)
    yield "\t<redcap:RepeatingInstrumentsAndEvents>"
    for one in repeats:
        if not one.form:
            yield f'\t\t<redcap:RepeatingEvent redcap:UniqueEventName="{names[one.event_id]}"/>'
    inside = [one for one in repeats if one.form]
    for event_id, group in groupby(inside, lambda one: one.event_id):
        yield "\t\t<redcap:RepeatingInstruments>"
        for one in group:
            yield (
                f'\t\t\t<redcap:RepeatingInstrument redcap:UniqueEventName="{names[event_id]}" '
                f'redcap:RepeatInstrument="{one.form}" redcap:CustomLabel="{escape(one.custom_label)}"/>'
            )
        yield "\t\t</redcap:RepeatingInstruments>"
    yield "\t</redcap:RepeatingInstrumentsAndEvents>"


def _written_names(project: Project) -> dict[int, str]:
    if not project.is_longitudinal:
        return {project.ordered_events[0].event_id: CLASSIC_EVENT}
    return {event.event_id: event.unique_name for event in project.events}


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
    yield f"\t<StudyEventDef {_spell(attributes)}>"
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


def _spell(attributes: Mapping[str, object]) -> str:
    return " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
