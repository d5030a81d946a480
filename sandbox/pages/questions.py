"""One instrument as a form's questions: what each is, holds and allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from sandbox.pages.moments import pattern, shown
from sandbox.project.field import Field, strip_tags
from sandbox.project.model import Project
from sandbox.project.names import checkbox_column

_KINDS = {"yesno": "radio", "truefalse": "radio", "dropdown": "select", "sql": "select"}
_HINTS = {
    "integer": "a whole number",
    "number": "a number",
    "email": "an email address",
    "phone": "a phone number of 10 digits",
    "zipcode": "a ZIP code of 5 or 9 digits",
    "time": "HH:MM",
    "time_hh_mm_ss": "HH:MM:SS",
    "time_mm_ss": "MM:SS",
}


class Option(NamedTuple):
    """One choice; `name` is the input's name, `is_missing` marks a missing data code."""

    name: str
    code: str
    label: str
    is_chosen: bool
    is_missing: bool = False


@dataclass(frozen=True)
class Question:
    """One field as the form shows it; `error` says why its value was refused."""

    field: Field
    kind: str
    label: str
    value: str
    options: tuple[Option, ...]
    hint: str
    error: str

    @property
    def name(self) -> str:
        return self.field.field_name


@dataclass(frozen=True)
class Block:
    """Questions under one section header; those of a matrix share their choices."""

    header: str
    matrix: str
    questions: tuple[Question, ...]


def blocks(
    project: Project,
    form: str,
    *,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    has_status: bool = True,
) -> list[Block]:
    """Return a form's questions; values and errors are by export column. A survey has no status."""
    questions = [
        _question(project, one, values=values, errors=errors)
        for one in project.all_fields
        if one.form_name == form and one.field_name != project.id_field and (has_status or not one.is_status)
    ]
    return [block for group in _sections(questions) for block in _matrices(group)]


def _sections(questions: list[Question]) -> Iterator[list[Question]]:
    group: list[Question] = []
    for one in questions:
        if one.field.section_header and group:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _matrices(section: list[Question]) -> Iterator[Block]:
    header = strip_tags(section[0].field.section_header)
    for matrix, group in groupby(section, key=lambda one: one.field.matrix_group_name):
        yield Block(header, matrix, tuple(group))
        header = ""


def _question(
    project: Project, one: Field, *, values: Mapping[str, str], errors: Mapping[str, str]
) -> Question:
    kind = "calc" if one.is_calculated else _KINDS.get(one.field_type, one.field_type)
    if one.field_type == "file" and one.validation == "signature":
        kind = "signature"
    names = [checkbox_column(one.field_name, code) for code in one.choices] or [one.field_name]
    found = (errors.get(name, "") for name in (*names, one.field_name))
    return Question(
        one,
        kind,
        strip_tags(one.field_label),
        shown(one.validation, values.get(one.field_name, "")),
        tuple(_options(project, one, values=values)),
        _hint(project, one),
        next(filter(None, found), ""),
    )


def _options(project: Project, one: Field, *, values: Mapping[str, str]) -> Iterator[Option]:
    if one.field_type == "checkbox":
        for code, label in one.choices.items():
            name = checkbox_column(one.field_name, code)
            yield Option(name, "1", strip_tags(label), values.get(name, "") == "1")
        return
    # A form that was never saved offers Incomplete.
    value = values.get(one.field_name, "") or ("0" if one.is_status else "")
    known = one.choices
    if not known:
        return
    for code, label in known.items():
        yield Option(one.field_name, code, strip_tags(label), code == value)
    missing = {} if one.is_status else project.missing_codes
    for code, label in missing.items():
        yield Option(one.field_name, code, strip_tags(label), code == value, is_missing=True)
    if value and value not in known and value not in missing:
        # The dictionary has lost this choice since; the record keeps it until somebody chooses anew.
        yield Option(one.field_name, value, f"{value} (no choice any more)", is_chosen=True)


def _hint(project: Project, one: Field) -> str:
    kind, bounds = one.field_type, (one.text_validation_min, one.text_validation_max)
    if kind == "slider":
        low, high = bounds
        return f"a whole number from {low or 0} to {high or 100}"
    if kind != "text" or not one.validation:
        return ""
    hint = pattern(one.validation) or _HINTS.get(one.validation, one.validation.replace("_", " "))
    if any(bounds):
        low, high = (shown(one.validation, bound) or "any" for bound in bounds)
        hint += f", {low} to {high}"
    codes = ", ".join(project.missing_codes)
    return hint + (f"; or {codes}" if codes else "")
