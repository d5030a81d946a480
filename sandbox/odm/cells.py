"""Cells of one form as ItemData (E.8)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from sandbox.odm.groups import Extras, item_groups
from sandbox.odm.text import escape
from sandbox.project.field import Column
from sandbox.project.model import Project
from sandbox.project.parts import Form
from sandbox.storage.files import Files, StoredFile

_CLOSE = "\t\t\t\t</ItemGroupData>"


class _Cell(NamedTuple):
    """One item: the cell it shows, what it shows when that is blank, and the group it stands in."""

    name: str
    blank: str
    write: Callable[[str], str]
    group: str
    head: str


Plan = list[_Cell]


def form_plan(
    project: Project, form: Form, *, extras: Extras, fields: Collection[str], files: Files | None
) -> Plan:
    """Return a form's items in order, each once, as far as their fields are wanted."""
    plan: dict[str, _Cell] = {}
    for group in item_groups(project, form, extras=extras):
        head = f'\t\t\t\t<ItemGroupData ItemGroupOID="{group.oid}" ItemGroupRepeatKey="1">'
        for oid in (item.oid for item in group.items):
            column = project.column_by_name.get(oid)
            if oid in plan or (column is not None and column.field.field_name not in fields):
                continue
            # Options that are not ticked are written wherever the form applies, saved or not.
            blank = "0" if column is not None and column.code else ""
            plan[oid] = _Cell(oid, blank, _writer(project, oid, column=column, files=files), group.name, head)
    return list(plan.values())


def form_lines(plan: Plan, cells: Mapping[str, str]) -> list[str]:
    """Return one row's items of a form; neighbours whose groups have the same name share an element."""
    lines: list[str] = []
    inside: str | None = None
    for name, blank, write, group, head in plan:
        value = cells.get(name, blank)
        line = write(value) if value else ""
        if not line:
            continue
        if group != inside:
            if inside is not None:
                lines.append(_CLOSE)
            lines.append(head)
            inside = group
        lines.append(line)
    if lines:
        lines.append(_CLOSE)
    return lines


def _writer(
    project: Project, oid: str, *, column: Column | None, files: Files | None
) -> Callable[[str], str]:
    start = f'\t\t\t\t\t<ItemData ItemOID="{oid}" Value="'
    if column is not None and column.field.field_type == "file":
        return lambda doc_id: _file(oid, None if files is None else files.get(project.project_id, doc_id))
    if column is not None and column.field.validation.startswith("datetime"):
        return lambda value: f'{start}{escape(value.replace(" ", "T", 1))}"/>'
    return lambda value: f'{start}{escape(value)}"/>'


def _file(oid: str, stored: StoredFile | None) -> str:
    if stored is None:
        return ""
    encoded = base64.b64encode(stored.content).decode()
    return (
        f'\t\t\t\t\t<ItemDataBase64Binary ItemOID="{oid}" redcap:DocName="{escape(stored.name)}" '
        f'redcap:MimeType="{escape(stored.mime)}"><![CDATA[{encoded}]]></ItemDataBase64Binary>'
    )
