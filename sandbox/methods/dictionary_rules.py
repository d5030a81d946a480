"""What a data dictionary must be before it replaces the old one (B.3)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from string import ascii_uppercase

from sandbox.exports.columns import PSEUDO
from sandbox.payload import Row
from sandbox.project.field import FIELD_TYPES, MAX_OPTIONS, METADATA_COLUMNS, parse_choices
from sandbox.project.names import form_name

_DUPLICATES = (
    "The following variable/field names were duplicated. Please rename these field names so that they only "
    "appear once."
)
_NO_FORM = "Each row MUST have a form name, but the following cells have a form name missing: {0}."
_NOT_SEQUENTIAL = (
    "Form names must be sequential and cannot repeat again after being used for another form. The following "
    "form names are not sequential: {0}."
)
# The texts from here on were not recorded (J.1).
NO_FIELDS = "The data dictionary has no fields."
_NO_NAME = "Each row MUST have a variable/field name, but the following cells have none: {0}."
_BAD_NAME = (
    "Variable/field names must begin with a letter and may contain only letters, numbers and underscores, "
    "and none may be a name that REDCap uses itself. The following cells have a name that is not valid: {0}."
)
_BAD_TYPE = "The following cells have a field type that is not valid: {0}."
_NOT_TEXT = "The first field, which holds the record name, must be a text field: {0}."
_NO_CHOICES = "The following cells have no choices or calculation, which their field type needs: {0}."
_TOO_MANY = f"The following cells have more than {MAX_OPTIONS} options for a checkbox: {{0}}."
_BAD_BRANCHING = (
    "The following cells have branching logic with a bracket, parenthesis or quote left open: {0}."
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_CHOOSING = frozenset({"radio", "dropdown", "checkbox"})


def dictionary_problems(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a sentence for each kind of mistake; cells are named as in a spreadsheet with a header."""
    if not rows:
        yield NO_FIELDS
        return
    names = [row["field_name"] for row in rows]
    counts = Counter(names)
    doubles = [f"{name} (A{line})" for line, name in enumerate(names, 2) if name and counts[name] > 1]
    if doubles:
        yield _DUPLICATES + "".join(doubles)
    statuses = {f"{form_name(row['form_name'])}_complete" for row in rows}
    yield from _cells(rows, "field_name", text=_NO_NAME, is_bad=lambda row: not row["field_name"])
    yield from _cells(
        rows, "field_name", text=_BAD_NAME, is_bad=lambda row: _is_bad_name(row["field_name"], statuses)
    )
    yield from _cells(rows, "form_name", text=_NO_FORM, is_bad=lambda row: not row["form_name"])
    scattered = _scattered([row["form_name"] for row in rows])
    if scattered:
        yield _NOT_SEQUENTIAL.format(", ".join(scattered))
    yield from _cells(
        rows, "field_type", text=_BAD_TYPE, is_bad=lambda row: row["field_type"] not in FIELD_TYPES
    )
    yield from _cells(rows[:1], "field_type", text=_NOT_TEXT, is_bad=lambda row: row["field_type"] != "text")
    yield from _cells(rows, "select_choices_or_calculations", text=_NO_CHOICES, is_bad=_lacks_choices)
    yield from _cells(rows, "select_choices_or_calculations", text=_TOO_MANY, is_bad=_has_too_many)
    yield from _cells(
        rows, "branching_logic", text=_BAD_BRANCHING, is_bad=lambda row: _is_open(row["branching_logic"])
    )


def _cells(rows: Sequence[Row], column: str, *, text: str, is_bad: Callable[[Row], bool]) -> Iterator[str]:
    letter = ascii_uppercase[METADATA_COLUMNS.index(column)]
    bad = [f"{letter}{line}" for line, row in enumerate(rows, 2) if is_bad(row)]
    if bad:
        yield text.format(", ".join(bad))


def _is_bad_name(name: str, statuses: set[str]) -> bool:
    return bool(name) and (not _NAME.fullmatch(name) or name in PSEUDO or name in statuses)


def _lacks_choices(row: Row) -> bool:
    given = row["select_choices_or_calculations"]
    if row["field_type"] in _CHOOSING:
        return not parse_choices(given)
    return row["field_type"] == "calc" and not given.strip()


def _has_too_many(row: Row) -> bool:
    return row["field_type"] == "checkbox" and row["select_choices_or_calculations"].count("|") >= MAX_OPTIONS


def _is_open(logic: str) -> bool:
    quoted = re.sub(r"'[^']*'|\"[^\"]*\"", "", logic)
    pairs = (("[", "]"), ("(", ")"))
    return (
        "'" in quoted
        or '"' in quoted
        or any(quoted.count(one) != quoted.count(other) for one, other in pairs)
    )


def _scattered(forms: Sequence[str]) -> list[str]:
    closed: set[str] = set()
    found: dict[str, None] = {}
    previous = ""
    for form in forms:
        if form != previous:
            closed.add(previous)
            if form and form in closed:
                found[form] = None
        previous = form
    return list(found)
