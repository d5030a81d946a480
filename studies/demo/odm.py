"""Writes the trial as REDCap project XML: structure and data."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from lxml import etree

from studies.demo import project
from studies.demo.odm_data import write_person
from studies.demo.odm_items import write_items
from studies.demo.people import Participant
from studies.demo.tags import ODM, REDCAP, add

_SLUG = "ToothFairyTrial"
_HEAD = {
    "ODMVersion": "1.3.1",
    "FileOID": "000-00-0000",
    "FileType": "Snapshot",
    "SourceSystem": "REDCap",
    "SourceSystemVersion": "15.2.1",
}


def write_xml(people: Iterable[Participant], *, today: date) -> str:
    """Write structure and data as one ODM document."""
    stamp = f"{today.isoformat()}T06:00:00"
    root = etree.fromstring(f'<ODM xmlns="{ODM}" xmlns:redcap="{REDCAP}"/>')
    head = {"Description": project.TITLE, "AsOfDateTime": stamp, "CreationDateTime": stamp}
    for name, value in (_HEAD | head).items():
        root.set(name, value)
    version = f"Metadata.{_SLUG}_{today.isoformat()}_0600"
    study = add(root, "Study", OID=f"Project.{_SLUG}")
    _write_settings(study)
    meta = add(study, "MetaDataVersion", OID=version, Name=project.TITLE, redcap_RecordIdField="record_id")
    _write_events(meta)
    _write_forms(meta)
    write_items(meta)
    clinical = add(root, "ClinicalData", StudyOID=f"Project.{_SLUG}", MetaDataVersionOID=version)
    for person in people:
        write_person(clinical, person)
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return text.decode()


def _write_settings(study: etree._Element) -> None:
    settings = add(study, "GlobalVariables")
    add(settings, "StudyName", project.TITLE)
    add(settings, "StudyDescription", f"Structure and invented data of the {project.TITLE}.")
    add(settings, "ProtocolName", project.TITLE)
    add(settings, "redcap_RecordAutonumberingEnabled", "1")
    add(settings, "redcap_SurveysEnabled", "0")
    add(settings, "redcap_Purpose", "0")
    repeats = add(settings, "redcap_RepeatingInstrumentsAndEvents")
    for event in project.EVENTS:
        inside = [form for form in event.forms if form in project.REPEATING]
        if not inside:
            continue
        group = add(repeats, "redcap_RepeatingInstruments")
        for form in inside:
            add(
                group,
                "redcap_RepeatingInstrument",
                redcap_UniqueEventName=event.name,
                redcap_RepeatInstrument=form,
                redcap_CustomLabel=project.REPEATING[form],
            )


def _write_events(meta: etree._Element) -> None:
    protocol = add(meta, "Protocol")
    for number, event in enumerate(project.EVENTS, start=1):
        add(
            protocol,
            "StudyEventRef",
            StudyEventOID=f"Event.{event.name}",
            OrderNumber=str(number),
            Mandatory="No",
        )
    for event in project.EVENTS:
        arm = project.ARMS[event.arm]
        made = add(
            meta,
            "StudyEventDef",
            OID=f"Event.{event.name}",
            Name=f"{event.label} (Arm {event.arm}: {arm})",
            Type="Common",
            Repeating="No",
            redcap_EventName=event.label,
            redcap_CustomEventLabel="",
            redcap_UniqueEventName=event.name,
            redcap_ArmNum=event.arm,
            redcap_ArmName=arm,
            redcap_DayOffset=event.offset,
            redcap_OffsetMin="0",
            redcap_OffsetMax="0",
        )
        for place, form in enumerate(event.forms, start=1):
            add(
                made,
                "FormRef",
                FormOID=f"Form.{form}",
                OrderNumber=str(place),
                Mandatory="No",
                redcap_FormName=form,
            )


def _write_forms(meta: etree._Element) -> None:
    for form, label in project.FORMS.items():
        made = add(meta, "FormDef", OID=f"Form.{form}", Name=label, Repeating="No", redcap_FormName=form)
        for oid in (project.first_group(form), f"{form}.{form}_complete"):
            add(made, "ItemGroupRef", ItemGroupOID=oid, Mandatory="No")
    for form, label in project.FORMS.items():
        group = add(meta, "ItemGroupDef", OID=project.first_group(form), Name=label, Repeating="No")
        for row in project.fields_of(form):
            for column in project.columns_of(row):
                must = "Yes" if row["required_field"] else "No"
                add(group, "ItemRef", ItemOID=column, Mandatory=must, redcap_Variable=row["field_name"])
        status = f"{form}_complete"
        group = add(meta, "ItemGroupDef", OID=f"{form}.{status}", Name="Form Status", Repeating="No")
        add(group, "ItemRef", ItemOID=status, Mandatory="No", redcap_Variable=status)
