"""Writes the trial as REDCap project XML: structure and data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from lxml import etree

from studies.demo import project
from studies.demo.people import Participant

_O = "http://www.cdisc.org/ns/odm/v1.3"
_R = "https://projectredcap.org"
_SLUG = "ToothFairyTrial"
_TYPES = {"notes": "textarea", "dropdown": "select"}
_LEGACY = {"integer": "int", "number": "float"}
_DATA_TYPES = {
    "integer": "integer",
    "checkbox": "boolean",
    "yesno": "boolean",
    "calc": "float",
    "slider": "integer",
}
_STATUSES = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
_OUTSIDE = (
    "The value you provided is outside the suggested range ({} - {}). "
    "This value is admissible, but you may wish to double check it."
)


def write_xml(people: Iterable[Participant], *, today: date) -> str:
    """Write structure and data as one ODM document."""
    stamp = f"{today.isoformat()}T06:00:00"
    root = etree.Element(
        f"{{{_O}}}ODM",
        {
            "ODMVersion": "1.3.1",
            "FileOID": "000-00-0000",
            "FileType": "Snapshot",
            "Description": project.TITLE,
            "AsOfDateTime": stamp,
            "CreationDateTime": stamp,
            "SourceSystem": "REDCap",
            "SourceSystemVersion": "15.2.1",
        },
        nsmap={None: _O, "redcap": _R},
    )
    version = f"Metadata.{_SLUG}_{today.isoformat()}_0600"
    study = _add(root, "Study", OID=f"Project.{_SLUG}")
    _write_settings(study)
    meta = _add(study, "MetaDataVersion", OID=version, Name=project.TITLE, redcap_RecordIdField="record_id")
    _write_events(meta)
    _write_forms(meta)
    _write_items(meta)
    clinical = _add(root, "ClinicalData", StudyOID=f"Project.{_SLUG}", MetaDataVersionOID=version)
    for person in people:
        _write_person(clinical, person)
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return text.decode()


def _add(parent: etree._Element, tag: str, text: str = "", **attributes: str) -> etree._Element:
    """Add an element; `redcap_` in the name of tag or attribute stands for REDCap's namespace."""
    made = etree.SubElement(parent, _name(tag, default=_O))
    for key, value in attributes.items():
        made.set(_name(key, default=""), value)
    made.text = text or None
    return made


def _name(name: str, *, default: str) -> str:
    if name.startswith("redcap_"):
        return f"{{{_R}}}{name.removeprefix('redcap_')}"
    return f"{{{default}}}{name}" if default else name


def _write_settings(study: etree._Element) -> None:
    settings = _add(study, "GlobalVariables")
    _add(settings, "StudyName", project.TITLE)
    _add(settings, "StudyDescription", f"Structure and invented data of the {project.TITLE}.")
    _add(settings, "ProtocolName", project.TITLE)
    _add(settings, "redcap_RecordAutonumberingEnabled", "1")
    _add(settings, "redcap_SurveysEnabled", "0")
    _add(settings, "redcap_Purpose", "0")
    repeats = _add(settings, "redcap_RepeatingInstrumentsAndEvents")
    for event in project.EVENTS:
        inside = [form for form in event.forms if form in project.REPEATING]
        group = _add(repeats, "redcap_RepeatingInstruments") if inside else None
        for form in inside if group is not None else ():
            _add(
                group,
                "redcap_RepeatingInstrument",
                redcap_UniqueEventName=event.name,
                redcap_RepeatInstrument=form,
                redcap_CustomLabel=project.REPEATING[form],
            )


def _write_events(meta: etree._Element) -> None:
    protocol = _add(meta, "Protocol")
    for number, event in enumerate(project.EVENTS, start=1):
        _add(
            protocol,
            "StudyEventRef",
            StudyEventOID=f"Event.{event.name}",
            OrderNumber=str(number),
            Mandatory="No",
        )
    for event in project.EVENTS:
        arm = project.ARMS[event.arm]
        made = _add(
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
            _add(
                made,
                "FormRef",
                FormOID=f"Form.{form}",
                OrderNumber=str(place),
                Mandatory="No",
                redcap_FormName=form,
            )


def _write_forms(meta: etree._Element) -> None:
    for form, label in project.FORMS.items():
        made = _add(meta, "FormDef", OID=f"Form.{form}", Name=label, Repeating="No", redcap_FormName=form)
        for group in (_first_group(form), f"{form}.{form}_complete"):
            _add(made, "ItemGroupRef", ItemGroupOID=group, Mandatory="No")
    for form, label in project.FORMS.items():
        group = _add(meta, "ItemGroupDef", OID=_first_group(form), Name=label, Repeating="No")
        for row in project.fields_of(form):
            for column in _columns(row):
                must = "Yes" if row["required_field"] else "No"
                _add(group, "ItemRef", ItemOID=column, Mandatory=must, redcap_Variable=row["field_name"])
        status = f"{form}_complete"
        group = _add(meta, "ItemGroupDef", OID=f"{form}.{status}", Name="Form Status", Repeating="No")
        _add(group, "ItemRef", ItemOID=status, Mandatory="No", redcap_Variable=status)


def _first_group(form: str) -> str:
    return f"{form}.{_columns(project.fields_of(form)[0])[0]}"


def _columns(row: Mapping[str, str]) -> list[str]:
    name = row["field_name"]
    if row["field_type"] != "checkbox":
        return [name]
    return [project.box(name, code=code) for code in project.choices_of(dict(row))]


def _write_items(meta: etree._Element) -> None:
    for form in project.FORMS:
        for row in project.fields_of(form):
            for column in _columns(row):
                _write_item(meta, row, column=column)
        status = f"{form}_complete"
        item = _add(meta, "ItemDef", OID=status, Name=status, DataType="text", Length="1")
        item.set(f"{{{_R}}}Variable", status)
        item.set(f"{{{_R}}}FieldType", "select")
        item.set(f"{{{_R}}}SectionHeader", "Form Status")
        _add(_add(item, "Question"), "TranslatedText", "Complete?")
        _add(item, "CodeListRef", CodeListOID=f"{status}.choices")
    for form in project.FORMS:
        for row in project.fields_of(form):
            _write_choices(meta, row)
        status = f"{form}_complete"
        _write_codes(meta, column=status, name=status, codes=_STATUSES, kind="text")


def _write_item(meta: etree._Element, row: Mapping[str, str], *, column: str) -> None:
    kind, validation = row["field_type"], row["text_validation_type_or_show_slider_number"]
    choices = project.choices_of(dict(row))
    attributes = {
        "redcap_Variable": row["field_name"],
        "redcap_FieldType": _TYPES.get(kind, kind),
        "redcap_TextValidationType": _LEGACY.get(validation, validation),
        "redcap_FieldNote": row["field_note"],
        "redcap_Identifier": row["identifier"],
        "redcap_BranchingLogic": row["branching_logic"],
        "redcap_RequiredField": row["required_field"],
        "redcap_FieldAnnotation": row["field_annotation"],
        "redcap_Calculation": row["select_choices_or_calculations"] if kind == "calc" else "",
        "redcap_SliderLabels": row["select_choices_or_calculations"] if kind == "slider" else "",
    }
    data_type, length = _data_type(kind, validation), _length(kind, choices)
    given = {key: value for key, value in attributes.items() if value}
    item = _add(meta, "ItemDef", OID=column, Name=column, DataType=data_type, Length=length, **given)
    _add(_add(item, "Question"), "TranslatedText", row["field_label"])
    low, high = row["text_validation_min"], row["text_validation_max"]
    for comparator, bound in (("GE", low), ("LE", high)):
        if bound:
            check = _add(item, "RangeCheck", Comparator=comparator, SoftHard="Soft")
            _add(check, "CheckValue", bound)
            _add(_add(check, "ErrorMessage"), "TranslatedText", _OUTSIDE.format(low, high))
    if choices:
        _add(item, "CodeListRef", CodeListOID=f"{column}.choices")


def _data_type(kind: str, validation: str) -> str:
    if validation.startswith("date_"):
        return "date"
    if validation.startswith("datetime_"):
        return "datetime" if "seconds" in validation else "partialDatetime"
    return _DATA_TYPES.get(validation if kind == "text" else kind, "text")


def _length(kind: str, choices: Mapping[str, str]) -> str:
    if kind in ("checkbox", "yesno"):
        return "1"
    return str(max(map(len, choices))) if choices else "999"


def _write_choices(meta: etree._Element, row: Mapping[str, str]) -> None:
    choices, name = project.choices_of(dict(row)), row["field_name"]
    if row["field_type"] == "checkbox":
        joined = "|".join(f"{code}, {label}" for code, label in choices.items())
        for column in _columns(row):
            codes = {"1": "Checked", "0": "Unchecked"}
            made = _write_codes(meta, column=column, name=name, codes=codes, kind="boolean")
            made.set(f"{{{_R}}}CheckboxChoices", joined)
    elif choices:
        kind = "boolean" if row["field_type"] == "yesno" else "text"
        _write_codes(meta, column=name, name=name, codes=choices, kind=kind)


def _write_codes(
    meta: etree._Element, *, column: str, name: str, codes: Mapping[str, str], kind: str
) -> etree._Element:
    made = _add(meta, "CodeList", OID=f"{column}.choices", Name=column, DataType=kind, redcap_Variable=name)
    for code, label in codes.items():
        item = _add(made, "CodeListItem", CodedValue=code)
        _add(_add(item, "Decode"), "TranslatedText", label)
    return made


def _write_person(clinical: etree._Element, person: Participant) -> None:
    subject = _add(clinical, "SubjectData", SubjectKey=person.record, redcap_RecordIdField="record_id")
    for event in project.EVENTS:
        rows = {place: values for place, values in person.rows.items() if place.event == event.name}
        if not rows:
            continue
        visit = _add(
            subject,
            "StudyEventData",
            StudyEventOID=f"Event.{event.name}",
            StudyEventRepeatKey="1",
            redcap_UniqueEventName=event.name,
        )
        for form in event.forms:
            for place, values in sorted(rows.items()):
                if (place.instrument or form) == form and (form in project.REPEATING) == bool(
                    place.instrument
                ):
                    _write_form(visit, form, values=values, instance=place.instance)


def _write_form(visit: etree._Element, form: str, *, values: Mapping[str, str], instance: str) -> None:
    rows = project.fields_of(form)
    given = {column: values[column] for row in rows for column in _columns(row) if values.get(column)}
    status = values.get(f"{form}_complete", "")
    if not given and not status:
        return
    for row in rows:
        if row["field_type"] == "checkbox":
            given |= {column: values.get(column) or "0" for column in _columns(row)}
    if "exam_num_teeth" in given and "exam_caries_count" in given:
        given["exam_caries_ratio"] = _ratio(given["exam_caries_count"], given["exam_num_teeth"])
    data = _add(visit, "FormData", FormOID=f"Form.{form}", FormRepeatKey=instance or "1")
    group = _add(data, "ItemGroupData", ItemGroupOID=_first_group(form), ItemGroupRepeatKey="1")
    for row in rows:
        is_moment = row["text_validation_type_or_show_slider_number"].startswith("datetime_")
        for column in _columns(row):
            if given.get(column):
                value = given[column].replace(" ", "T", 1) if is_moment else given[column]
                _add(group, "ItemData", ItemOID=column, Value=value)
    if status:
        group = _add(data, "ItemGroupData", ItemGroupOID=f"{form}.{form}_complete", ItemGroupRepeatKey="1")
        _add(group, "ItemData", ItemOID=f"{form}_complete", Value=status)


def _ratio(part: str, whole: str) -> str:
    if not int(whole):
        return ""
    share = (Decimal(part) / Decimal(whole)).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
    return format(share.normalize(), "f")
