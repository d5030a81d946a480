"""Writes the trial's fields as items and code lists of REDCap project XML."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from studies.demo import project
from studies.demo.tags import REDCAP, add

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


def write_items(meta: etree._Element) -> None:
    """Write every field and form status, then their choices."""
    for form in project.FORMS:
        for row in project.fields_of(form):
            for column in project.columns_of(row):
                _write_item(meta, row, column=column)
        status = f"{form}_complete"
        item = add(meta, "ItemDef", OID=status, Name=status, DataType="text", Length="1")
        item.set(f"{{{REDCAP}}}Variable", status)
        item.set(f"{{{REDCAP}}}FieldType", "select")
        item.set(f"{{{REDCAP}}}SectionHeader", "Form Status")
        add(add(item, "Question"), "TranslatedText", "Complete?")
        add(item, "CodeListRef", CodeListOID=f"{status}.choices")
    for form in project.FORMS:
        for row in project.fields_of(form):
            _write_choices(meta, row)
        status = f"{form}_complete"
        _write_codes(meta, column=status, name=status, codes=_STATUSES, kind="text")


def _write_item(meta: etree._Element, row: Mapping[str, str], *, column: str) -> None:
    kind, validation = row["field_type"], row["text_validation_type_or_show_slider_number"]
    choices = project.choices_of(row)
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
    item = add(meta, "ItemDef", OID=column, Name=column, DataType=data_type, Length=length, **given)
    add(add(item, "Question"), "TranslatedText", row["field_label"])
    low, high = row["text_validation_min"], row["text_validation_max"]
    for comparator, bound in (("GE", low), ("LE", high)):
        if bound:
            check = add(item, "RangeCheck", Comparator=comparator, SoftHard="Soft")
            add(check, "CheckValue", bound)
            add(add(check, "ErrorMessage"), "TranslatedText", _OUTSIDE.format(low, high))
    if choices:
        add(item, "CodeListRef", CodeListOID=f"{column}.choices")


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
    choices, name = project.choices_of(row), row["field_name"]
    if row["field_type"] == "checkbox":
        joined = "|".join(f"{code}, {label}" for code, label in choices.items())
        for column in project.columns_of(row):
            codes = {"1": "Checked", "0": "Unchecked"}
            made = _write_codes(meta, column=column, name=name, codes=codes, kind="boolean")
            made.set(f"{{{REDCAP}}}CheckboxChoices", joined)
    elif choices:
        kind = "boolean" if row["field_type"] == "yesno" else "text"
        _write_codes(meta, column=name, name=name, codes=choices, kind=kind)


def _write_codes(
    meta: etree._Element, *, column: str, name: str, codes: Mapping[str, str], kind: str
) -> etree._Element:
    made = add(meta, "CodeList", OID=f"{column}.choices", Name=column, DataType=kind, redcap_Variable=name)
    for code, label in codes.items():
        item = add(made, "CodeListItem", CodedValue=code)
        add(add(item, "Decode"), "TranslatedText", label)
    return made
