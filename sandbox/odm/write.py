"""A project's structure to project XML (E.1 to E.7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

from sandbox.model import Event, Project
from sandbox.names import slug
from sandbox.odm.groups import Extras, item_groups
from sandbox.odm.items import code_lists, item_defs
from sandbox.odm.text import attribute, content
from sandbox.odm.write_data import ODM_HEAD, ClinicalOptions, clinical_data

if TYPE_CHECKING:
    from sandbox.session import Session

# The elements of a modern server in its order, and what they hold when nothing was set.
_SETTINGS = {
    "RecordAutonumberingEnabled": "0",
    "CustomRecordLabel": "",
    "SecondaryUniqueField": "",
    "SecondaryUniqueFieldDisplayValue": "1",
    "SecondaryUniqueFieldDisplayLabel": "1",
    "SchedulingEnabled": "0",
    "SurveysEnabled": "0",
    "SurveyInvitationEmailField": "",
    "RandomizationEnabled": "0",
    "DisplayTodayNowButton": "1",
    "PreventBranchingEraseValues": "0",
    "RequireChangeReason": "0",
    "DataHistoryPopup": "1",
    "OrderRecordsByField": "",
    "taskCompleteStatus": "0",
    "MyCapEnabled": "0",
    "Purpose": "0",
    "PurposeOther": "",
    "ProjectNotes": "",
    "MissingDataCodes": "",
}
# Recordings of 8.1 and 9.1 mark no event as repeating, although some repeat.
REPEATING_EVENTS_SINCE = (10,)
Lines = Iterator[str]


def write_project(session: Session, options: ClinicalOptions | None) -> str:
    """Return the whole XML; without options it has no data."""
    project, now = session.project, session.now
    extras = Extras(options.groups if options else False, options.surveys if options else False)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S")
    version = ".".join(str(part) for part in session.version)
    head = (
        f'{ODM_HEAD}Description="{attribute(project.title)}" AsOfDateTime="{stamp}" '
        f'CreationDateTime="{stamp}" SourceSystem="REDCap" SourceSystemVersion="{version}">\n'
    )
    lines = [f'<Study OID="Project.{slug(project.title)}">', *_variables(project)]
    lines += [*_metadata(session, extras), "</Study>"]
    data = clinical_data(session.store, project, options=options, now=now) if options else ""
    return head + "\n".join(lines) + "\n" + data + "</ODM>"


def _variables(project: Project) -> Lines:
    title = content(project.title)
    yield "<GlobalVariables>"
    yield f"\t<StudyName>{title}</StudyName>"
    yield (
        "\t<StudyDescription>This file contains the metadata, events, and data for REDCap project "
        f'"{title}".</StudyDescription>'
    )
    yield f"\t<ProtocolName>{title}</ProtocolName>"
    # Settings in small letters are the API's own and not part of project XML.
    given = {tag: text for tag, text in project.settings.items() if tag not in _API_ONLY}
    for tag, text in {**_SETTINGS, **given}.items():
        yield f"\t<redcap:{tag}>{content(text)}</redcap:{tag}>"
    yield from _repeating(project)
    if project.groups:
        yield "\t<redcap:DataAccessGroupsGroup>"
        for group in project.groups:
            yield f'\t\t<redcap:DataAccessGroups group_name="{attribute(group.name)}"/>'
        yield "\t</redcap:DataAccessGroupsGroup>"
    yield from (f"\t{text}" for text in project.extra_xml)
    yield "</GlobalVariables>"


_API_ONLY = frozenset(
    {
        "project_language",
        "project_irb_number",
        "project_grant_number",
        "project_pi_firstname",
        "project_pi_lastname",
        "project_pi_email",
    }
)


def _repeating(project: Project) -> Lines:
    if not project.repeats:
        return
    order, forms = project.event_order, project.form_order
    repeats = sorted(project.repeats, key=lambda one: (order[one.event_id], forms.get(one.form, -1)))
    yield "\t<redcap:RepeatingInstrumentsAndEvents>"
    for one in repeats:
        if not one.form:
            name = project.event_by_id[one.event_id].unique_name
            yield f'\t\t<redcap:RepeatingEvent redcap:UniqueEventName="{name}"/>'
    inside = [one for one in repeats if one.form]
    for event_id, group in groupby(inside, lambda one: one.event_id):
        yield "\t\t<redcap:RepeatingInstruments>"
        name = project.event_by_id[event_id].unique_name
        for one in group:
            yield (
                f'\t\t\t<redcap:RepeatingInstrument redcap:UniqueEventName="{name}" '
                f'redcap:RepeatInstrument="{one.form}" redcap:CustomLabel="{attribute(one.custom_label)}"/>'
            )
        yield "\t\t</redcap:RepeatingInstruments>"
    yield "\t</redcap:RepeatingInstrumentsAndEvents>"


def _metadata(session: Session, extras: Extras) -> Lines:
    project = session.project
    oid = f"Metadata.{slug(project.title)}_{session.now.strftime('%Y-%m-%d_%H%M')}"
    yield (
        f'<MetaDataVersion OID="{oid}" Name="{attribute(project.title)}" '
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
    yield from item_defs(project, extras)
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
            f'\t<FormDef OID="Form.{form.name}" Name="{attribute(form.label)}" Repeating="No" '
            f'redcap:FormName="{form.name}">'
        )
        for group in groups[form.name]:
            yield f'\t\t<ItemGroupRef ItemGroupOID="{group.oid}" Mandatory="No"/>'
        yield "\t</FormDef>"
    for group in (group for form in project.forms for group in groups[form.name]):
        yield f'\t<ItemGroupDef OID="{group.oid}" Name="{attribute(group.name)}" Repeating="No">'
        for item in group.items:
            required = "Yes" if item.required else "No"
            yield (
                f'\t\t<ItemRef ItemOID="{item.oid}" Mandatory="{required}" '
                f'redcap:Variable="{item.variable}"/>'
            )
        yield "\t</ItemGroupDef>"


def _spell(attributes: Mapping[str, object]) -> str:
    return " ".join(f'{name}="{attribute(value)}"' for name, value in attributes.items())
