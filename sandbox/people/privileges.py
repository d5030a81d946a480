"""Rights as the API spells them: columns by version, and forms in csv, json and xml (B.11)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from sandbox.errors import BAD_FORMAT, ApiError
from sandbox.payload import Row
from sandbox.people.rights import (
    DEIDENTIFIED,
    DELETE_FORM,
    EDIT,
    EDIT_RESPONSES,
    FLAGS,
    FULL,
    MOST,
    NO_ACCESS,
    NO_ENTRY,
    NO_IDENTIFIERS,
    READ,
    Rights,
    entry_level,
    old_entry_level,
)
from sandbox.project.model import Project

_SINCE = {"email_logging": (14, 4), "api_modules": (14, 0, 3), "mycap_participants": (13,)}
_SETTINGS = {
    "mycap_participants": "MyCapEnabled",
    "random_setup": "RandomizationEnabled",
    "random_dashboard": "RandomizationEnabled",
    "random_perform": "RandomizationEnabled",
    "data_quality_resolution": "DataResolutionWorkflowEnabled",
}
# One level for all forms, somewhere up to 12.5 (H).
DATA_EXPORT_BEFORE = (11,)
FORM_BITS_SINCE = (15, 6)
_BY_OPENNESS = (NO_ACCESS, DEIDENTIFIED, NO_IDENTIFIERS, FULL)
_ENTRY_BITS = frozenset(
    NO_ENTRY + view + more
    for view in (0, READ, EDIT)
    for more in (0, EDIT_RESPONSES, DELETE_FORM, EDIT_RESPONSES + DELETE_FORM)
)
_OLD_CODES = frozenset(range(4))
_NO_FORM = 'The form named "{}" is incorrect for the {} The form does not exist in this project.'


class Dialect(NamedTuple):
    """What decides how rights are spelled."""

    project: Project
    version: tuple[int, ...]
    fmt: str = "json"

    @property
    def has_bits(self) -> bool:
        return self.version >= FORM_BITS_SINCE

    @property
    def has_data_export(self) -> bool:
        return self.version < DATA_EXPORT_BEFORE

    @property
    def flags(self) -> list[str]:
        """The flags that this version shows of this project, in the order for users."""
        return [name for name in FLAGS if self.version >= _SINCE.get(name, ()) and self._is_on(name)]

    @property
    def forms(self) -> list[str]:
        return [form.name for form in self.project.forms]

    def _is_on(self, flag: str) -> bool:
        return flag not in _SETTINGS or self.project.settings.get(_SETTINGS[flag]) == "1"


def no_rights(project: Project) -> Rights:
    """Return the rights of a user or role of whom nothing is said."""
    forms = [form.name for form in project.forms]
    return Rights(dict.fromkeys(FLAGS, 0), dict.fromkeys(forms, NO_ENTRY), dict.fromkeys(forms, NO_ACCESS))


def to_cells(rights: Rights, dialect: Dialect) -> dict[str, Any]:
    """Return columns and cells in the order for users."""
    cells: dict[str, Any] = {}
    for name in dialect.flags:
        cells[name] = rights.flags.get(name, 0)
        if name == "data_access_groups" and dialect.has_data_export:
            cells["data_export"] = _least_open(rights, dialect)
    cells["forms"] = _spell(entry_codes(rights, dialect), dialect)
    if not dialect.has_data_export:
        cells["forms_export"] = _spell(export_codes(rights, dialect), dialect)
    return cells


def entry_codes(rights: Rights, dialect: Dialect) -> dict[str, int]:
    """Return the level of data entry by form, in the codes of the version."""
    levels = {form: rights.forms.get(form, NO_ENTRY + EDIT) for form in dialect.forms}
    if dialect.has_bits:
        return levels
    return {form: old_entry_level(level) for form, level in levels.items()}


def export_codes(rights: Rights, dialect: Dialect) -> dict[str, int]:
    """Return the level of data export by form."""
    return {form: rights.forms_export.get(form, FULL) for form in dialect.forms}


def _least_open(rights: Rights, dialect: Dialect) -> int:
    found = set(export_codes(rights, dialect).values())
    return next((level for level in _BY_OPENNESS if level in found), FULL)


def _spell(levels: dict[str, int], dialect: Dialect) -> dict[str, int] | str:
    if dialect.fmt == "csv":
        return ",".join(f"{form}:{level}" for form, level in levels.items())
    return levels


def read_cells(row: Row, before: Rights, *, dialect: Dialect, whose: str) -> tuple[Rights, list[str]]:
    """Return the rights that a row leaves somebody, and what is wrong with it.

    What the row does not name stays as it was; `whose` is for the sentences.
    """
    given = {name: row[name].strip() for name in FLAGS if row.get(name, "").strip()}
    entry = _read_levels(row.get("forms", ""))
    export = _read_levels(row.get("forms_export", ""))
    if dialect.has_data_export and row.get("data_export", "").strip():
        export = dict.fromkeys(dialect.forms, row["data_export"].strip())
    # Older codes stay readable, for clients that were written for them.
    entry_allowed = _OLD_CODES | (_ENTRY_BITS if dialect.has_bits else frozenset())
    problems = [
        *_flag_problems(given, whose),
        *_level_problems(entry, allowed=entry_allowed, dialect=dialect, whose=whose),
        *_level_problems(export, allowed=_OLD_CODES, dialect=dialect, whose=whose),
    ]
    if problems:
        return before, problems
    return _merged(before, flags=given, entry=entry, export=export), []


def _merged(
    before: Rights, *, flags: Mapping[str, str], entry: Mapping[str, str], export: Mapping[str, str]
) -> Rights:
    return replace(
        before,
        flags={**before.flags, **{name: int(text) for name, text in flags.items()}},
        forms={**before.forms, **{form: entry_level(int(code)) for form, code in entry.items()}},
        forms_export={**before.forms_export, **{form: int(code) for form, code in export.items()}},
    )


def _read_levels(text: str) -> dict[str, str]:
    """Read `form_a:1,form_b:2`, or the object that json and xml have in its place."""
    if not text.lstrip().startswith(("{", "[")):
        pairs = (part.partition(":") for part in text.split(",") if part.strip())
        return {form.strip(): code.strip() for form, _, code in pairs}
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ApiError(BAD_FORMAT) from error
    # An empty object of PHP's comes as an empty list.
    return {str(form): str(code) for form, code in document.items()} if isinstance(document, dict) else {}


def _flag_problems(flags: Mapping[str, str], whose: str) -> Iterator[str]:
    for name, text in flags.items():
        if text not in map(str, range(MOST.get(name, 1) + 1)):
            yield f'The value "{text}" of "{name}" is not valid for the {whose}'


def _level_problems(
    levels: Mapping[str, str], *, allowed: frozenset[int], dialect: Dialect, whose: str
) -> Iterator[str]:
    codes = {str(code) for code in allowed}
    for form, code in levels.items():
        if form not in dialect.project.form_order:
            yield _NO_FORM.format(form, whose)
        elif code not in codes:
            yield f'The value "{code}" of the form "{form}" is not valid for the {whose}'
