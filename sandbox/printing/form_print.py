"""Writes one form, blank or with a record's values, as a person reads it (B.19)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape

from sandbox.printing.pdf import Pages, Style
from sandbox.project.field import Field, strip_tags
from sandbox.project.model import Project
from sandbox.project.names import checkbox_column
from sandbox.project.parts import Form

_TITLE = Style(size=13, bold=True, space=4)
_SECTION = Style(size=10, bold=True, space=8, shaded=True)
_LABEL = Style(space=6)
_VALUE = Style(bold=True, indent=18)
_OPTION = Style(indent=18)
_NOTE = Style(size=7, indent=18)
_LINE = "_" * 34


@dataclass(frozen=True)
class Copy:
    """One form to print: the cells by column name (none when blank), the fields that may be seen."""

    form: Form
    head: str
    fields: Sequence[Field]
    cells: Mapping[str, str]
    stamp: str = ""


@dataclass(frozen=True)
class Manner:
    """How to print: `compact` leaves out what has no value; `files` are stored names by document id."""

    project: Project
    compact: bool
    files: Mapping[str, str]


def print_form(pages: Pages, copy: Copy, *, manner: Manner) -> None:
    """Write a form on pages of its own."""
    pages.start(copy.head)
    pages.write(clean(copy.form.label), _TITLE)
    if copy.stamp:
        pages.write(f"Response was added on {copy.stamp}.", _NOTE)
    for one in copy.fields:
        if manner.compact and not _has_value(one, copy.cells):
            continue
        if one.section_header:
            pages.write(clean(one.section_header), _SECTION)
        pages.write(_label(one), _LABEL)
        for text, style in _answer(one, copy.cells, manner=manner):
            pages.write(text, style)
        if one.field_note:
            pages.write(clean(one.field_note), _NOTE)


def clean(text: str) -> str:
    """Return rich text without its tags and entities."""
    return unescape(strip_tags(text))


def _label(one: Field) -> str:
    required = " * must provide value" if one.required_field == "y" else ""
    return f"{clean(one.field_label)}{required}"


def _has_value(one: Field, cells: Mapping[str, str]) -> bool:
    if one.field_type == "checkbox":
        return any(checkbox_column(one.field_name, code) in cells for code in one.choices)
    return one.field_name in cells


def _answer(one: Field, cells: Mapping[str, str], *, manner: Manner) -> Iterator[tuple[str, Style]]:
    if one.field_type == "descriptive":
        return
    if one.choices:
        yield from _options(one, cells, manner=manner)
        return
    value = cells.get(one.field_name, "")
    if one.field_type == "file":
        value = manner.files.get(value, "")
    yield value or _LINE, _VALUE if value else _OPTION


def _options(one: Field, cells: Mapping[str, str], *, manner: Manner) -> Iterator[tuple[str, Style]]:
    on, off = ("[x]", "[ ]") if one.field_type == "checkbox" else ("(x)", "( )")
    value = cells.get(one.field_name, "")
    for code, label in one.choices.items():
        is_chosen = value == code or checkbox_column(one.field_name, code) in cells
        if is_chosen or not manner.compact:
            yield f"{on if is_chosen else off} {clean(label)}", _VALUE if is_chosen else _OPTION
    # A missing data code, or a code that the field had once.
    if value and value not in one.choices:
        yield manner.project.missing_codes.get(value, value), _VALUE
