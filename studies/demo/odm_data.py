"""Writes the trial's participants as the clinical data of REDCap project XML."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from lxml import etree

from studies.demo import project
from studies.demo.people import Participant
from studies.demo.tags import add


def write_person(clinical: etree._Element, person: Participant) -> None:
    """Write all rows of a participant, as REDCap does: nothing blank, but every box of a started form."""
    subject = add(clinical, "SubjectData", SubjectKey=person.record, redcap_RecordIdField="record_id")
    for event in project.EVENTS:
        rows = {place: values for place, values in person.rows.items() if place.event == event.name}
        if not rows:
            continue
        visit = add(
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
    given = {
        column: values[column] for row in rows for column in project.columns_of(row) if values.get(column)
    }
    status = values.get(f"{form}_complete", "")
    if not given and not status:
        return
    for row in rows:
        if row["field_type"] == "checkbox":
            given |= {column: values.get(column) or "0" for column in project.columns_of(row)}
    if "exam_num_teeth" in given and "exam_caries_count" in given:
        given["exam_caries_ratio"] = _ratio(given["exam_caries_count"], given["exam_num_teeth"])
    data = add(visit, "FormData", FormOID=f"Form.{form}", FormRepeatKey=instance or "1")
    group = add(data, "ItemGroupData", ItemGroupOID=project.first_group(form), ItemGroupRepeatKey="1")
    for row in rows:
        is_moment = row["text_validation_type_or_show_slider_number"].startswith("datetime_")
        for column in project.columns_of(row):
            if given.get(column):
                value = given[column].replace(" ", "T", 1) if is_moment else given[column]
                add(group, "ItemData", ItemOID=column, Value=value)
    if status:
        group = add(data, "ItemGroupData", ItemGroupOID=f"{form}.{form}_complete", ItemGroupRepeatKey="1")
        add(group, "ItemData", ItemOID=f"{form}_complete", Value=status)


def _ratio(part: str, whole: str) -> str:
    if not int(whole):
        return ""
    share = (Decimal(part) / Decimal(whole)).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
    return format(share.normalize(), "f")
