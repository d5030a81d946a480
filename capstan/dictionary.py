"""The data dictionary: which fields a project has, and what each may hold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

import pandas as pd

STATUS_CHOICES = MappingProxyType({"0": "Incomplete", "1": "Unverified", "2": "Complete"})
_YES_NO = MappingProxyType({"1": "Yes", "0": "No"})
_TRUE_FALSE = MappingProxyType({"1": "True", "0": "False"})
_ACTION_TAG = re.compile(r"@[A-Z][A-Z0-9_-]*")
_COMPUTED_TAGS = frozenset({"@CALCTEXT", "@CALCDATE"})


class FieldType(StrEnum):
    """REDCap's field types, and `form_status` for the `<form>_complete` field of every form."""

    TEXT = "text"
    NOTES = "notes"
    DROPDOWN = "dropdown"
    RADIO = "radio"
    CHECKBOX = "checkbox"
    CALC = "calc"
    YESNO = "yesno"
    TRUEFALSE = "truefalse"
    FILE = "file"
    SLIDER = "slider"
    SQL = "sql"
    DESCRIPTIVE = "descriptive"
    FORM_STATUS = "form_status"


@dataclass(frozen=True)
class Field:
    """One field of the dictionary; `choices` maps code to label, in the order of the dictionary."""

    name: str
    form: str
    type: FieldType
    label: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    calculation: str = ""
    validation: str = ""
    minimum: str = ""
    maximum: str = ""
    identifier: bool = False
    required: bool = False
    branching: str = ""
    annotation: str = ""

    @cached_property
    def action_tags(self) -> frozenset[str]:
        """The action tags in the annotation, such as `@READONLY`."""
        return frozenset(_ACTION_TAG.findall(self.annotation))

    @property
    def is_computed(self) -> bool:
        """Whether REDCap computes the value itself, so that an imported one is ignored."""
        return self.type is FieldType.CALC or bool(self.action_tags & _COMPUTED_TAGS)

    @property
    def is_importable(self) -> bool:
        """Whether a record import can set the value at all."""
        unwritable = {FieldType.FILE, FieldType.DESCRIPTIVE}
        return not self.is_computed and self.type not in unwritable

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The export columns: one per choice of a checkbox, else the field's own name."""
        if self.type is FieldType.DESCRIPTIVE:
            return ()
        if self.type is FieldType.CHECKBOX:
            return tuple(checkbox_column(self.name, code=code) for code in self.choices)
        return (self.name,)


@dataclass(frozen=True)
class Dictionary:
    """All fields of a project in its own order, form statuses included.

    `forms` maps the name of each instrument to its label; `missing_codes` maps the project's missing
    data codes to their labels.
    """

    fields: tuple[Field, ...]
    forms: Mapping[str, str]
    missing_codes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_frames(
        cls, metadata: pd.DataFrame, *, instruments: pd.DataFrame, missing_codes: str = ""
    ) -> Dictionary:
        """Build the dictionary from the API's `metadata` and `instrument` exports (all text)."""
        labels = dict(zip(instruments["instrument_name"], instruments["instrument_label"], strict=True))
        rows = metadata.to_dict("records")
        forms = list(dict.fromkeys(str(row["form_name"]) for row in rows))
        fields: list[Field] = []
        for form in forms:
            fields += [_field(row) for row in rows if row["form_name"] == form]
            fields.append(_status_field(form))
        return cls(
            tuple(fields), {form: labels.get(form, form) for form in forms}, parse_choices(missing_codes)
        )

    @property
    def record_field(self) -> str:
        """The name of the record id field, which is the project's first."""
        return self.fields[0].name

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Every field by its name."""
        return {item.name: item for item in self.fields}

    @cached_property
    def by_column(self) -> Mapping[str, Field]:
        """Every field by each of its export columns."""
        return {column: item for item in self.fields for column in item.columns}

    @cached_property
    def code_of(self) -> Mapping[str, str]:
        """The choice code that each checkbox column stands for."""
        boxes = [item for item in self.fields if item.type is FieldType.CHECKBOX]
        return {checkbox_column(box.name, code=code): code for box in boxes for code in box.choices}

    @cached_property
    def zero_columns(self) -> frozenset[str]:
        """Columns in which REDCap shows 0 where nothing is stored: checkboxes and form statuses."""
        kinds = (FieldType.CHECKBOX, FieldType.FORM_STATUS)
        return frozenset(column for item in self.fields if item.type in kinds for column in item.columns)

    def columns_of(self, forms: Iterable[str]) -> tuple[str, ...]:
        """The export columns of some forms, in project order."""
        wanted = set(forms)
        return tuple(column for item in self.fields if item.form in wanted for column in item.columns)

    @cached_property
    def digest(self) -> str:
        """A hash of all that the dictionary says, to see drift between plan and write."""
        text = "\n".join(repr(item) for item in self.fields) + repr(sorted(self.missing_codes.items()))
        return hashlib.sha256(text.encode()).hexdigest()


def parse_choices(text: str) -> dict[str, str]:
    """Read `1, Yes | 0, No` as REDCap does: split at `|`, code before the first comma.

    A choice without a comma is its own code; a code given twice keeps its last label.
    """
    choices: dict[str, str] = {}
    for part in text.split("|"):
        code, comma, label = part.strip().partition(",")
        if code.strip() or comma:
            choices[code.strip()] = label.strip() if comma else code.strip()
    return choices


def checkbox_column(name: str, *, code: str) -> str:
    """The export column of one checkbox choice: code in lower case, odd characters as `_`."""
    return f"{name}___{re.sub('[^a-z0-9_]', '_', code.lower())}"


def _field(row: Mapping[object, object]) -> Field:
    text = {str(key): str(value) for key, value in row.items()}
    kind = FieldType(text["field_type"])
    options = text["select_choices_or_calculations"]
    return Field(
        name=text["field_name"],
        form=text["form_name"],
        type=kind,
        label=text["field_label"],
        choices=_choices(kind, options=options),
        calculation=options if kind in (FieldType.CALC, FieldType.SQL) else "",
        validation=text["text_validation_type_or_show_slider_number"],
        minimum=text["text_validation_min"],
        maximum=text["text_validation_max"],
        identifier=text["identifier"] == "y",
        required=text["required_field"] == "y",
        branching=text["branching_logic"],
        annotation=text["field_annotation"],
    )


def _choices(kind: FieldType, *, options: str) -> Mapping[str, str]:
    if kind in (FieldType.DROPDOWN, FieldType.RADIO, FieldType.CHECKBOX):
        return parse_choices(options)
    return {FieldType.YESNO: _YES_NO, FieldType.TRUEFALSE: _TRUE_FALSE}.get(kind, {})


def _status_field(form: str) -> Field:
    return Field(
        name=f"{form}_complete",
        form=form,
        type=FieldType.FORM_STATUS,
        label="Complete?",
        choices=STATUS_CHOICES,
    )
