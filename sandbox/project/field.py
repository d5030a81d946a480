"""What a field is: a row of the data dictionary, its choices and its columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sandbox.project.names import checkbox_column

METADATA_COLUMNS = (
    "field_name",
    "form_name",
    "section_header",
    "field_type",
    "field_label",
    "select_choices_or_calculations",
    "field_note",
    "text_validation_type_or_show_slider_number",
    "text_validation_min",
    "text_validation_max",
    "identifier",
    "branching_logic",
    "required_field",
    "custom_alignment",
    "question_number",
    "matrix_group_name",
    "matrix_ranking",
    "field_annotation",
)
FIELD_TYPES = frozenset(
    {
        "text",
        "notes",
        "dropdown",
        "radio",
        "checkbox",
        "calc",
        "yesno",
        "truefalse",
        "file",
        "slider",
        "sql",
        "descriptive",
    }
)
# Names that project XML and old dictionaries have for today's types.
FIELD_ALIASES = {"textarea": "notes", "select": "dropdown"}
VALIDATION_ALIASES = {"int": "integer", "float": "number"}
FIXED_CHOICES = {"yesno": "1, Yes|0, No", "truefalse": "1, True|0, False"}
STATUS_CHOICES = "0, Incomplete|1, Unverified|2, Complete"
# Project XML lists all options of a checkbox with each of them.
MAX_OPTIONS = 1000
# "x < 5" opens no tag.
_TAG = re.compile(r"<[a-zA-Z/!][^>]*>")


@dataclass(frozen=True)
class Field:
    """One row of the data dictionary, in the API's own column names."""

    field_name: str
    form_name: str
    section_header: str = ""
    field_type: str = "text"
    field_label: str = ""
    select_choices_or_calculations: str = ""
    field_note: str = ""
    text_validation_type_or_show_slider_number: str = ""
    text_validation_min: str = ""
    text_validation_max: str = ""
    identifier: str = ""
    branching_logic: str = ""
    required_field: str = ""
    custom_alignment: str = ""
    question_number: str = ""
    matrix_group_name: str = ""
    matrix_ranking: str = ""
    field_annotation: str = ""
    is_status: bool = False
    inline_image: str = ""
    attachment: tuple[str, ...] = ()

    @property
    def validation(self) -> str:
        return self.text_validation_type_or_show_slider_number

    @cached_property
    def choices(self) -> dict[str, str]:
        """Codes and labels in order; empty for fields without choices."""
        if self.field_type in FIXED_CHOICES:
            return parse_choices(FIXED_CHOICES[self.field_type])
        if self.field_type in ("dropdown", "radio", "checkbox"):
            return parse_choices(self.select_choices_or_calculations)
        return {}

    @property
    def is_calculated(self) -> bool:
        note = self.field_annotation.upper()
        return self.field_type == "calc" or "@CALCTEXT" in note or "@CALCDATE" in note


class Column(NamedTuple):
    """One column of a flat export; `code` is '' except for checkbox options."""

    name: str
    field: Field
    code: str


def columns_of(one: Field) -> list[Column]:
    """Return the columns of a field: a checkbox has one per option, a descriptive field none."""
    if one.field_type == "checkbox":
        return [Column(checkbox_column(one.field_name, code), one, code) for code in one.choices]
    return [] if one.field_type == "descriptive" else [Column(one.field_name, one, "")]


def status_field(form: str) -> Field:
    """Return the field that every form ends with."""
    return Field(
        f"{form}_complete",
        form,
        section_header="Form Status",
        field_type="dropdown",
        field_label="Complete?",
        select_choices_or_calculations=STATUS_CHOICES,
        is_status=True,
    )


def parse_choices(text: str) -> dict[str, str]:
    """Read `1, Yes | 0, No`; a part without a comma is its own label."""
    found: dict[str, str] = {}
    for part in text.split("|"):
        code, comma, label = part.partition(",")
        if code.strip():
            found[code.strip()] = label.strip() if comma else code.strip()
    return found


def strip_tags(text: str) -> str:
    """Return a label without its formatting."""
    # Behind the last bracket no tag ends, so nobody needs to look for its end from each "<".
    head, bracket, tail = text.rpartition(">")
    return _TAG.sub("", head + bracket) + tail
