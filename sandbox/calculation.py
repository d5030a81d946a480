"""Calculated fields and filter logic, computed by the logic language (C.12, G)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from capstan.logic import Event as LogicEvent
from capstan.logic import Expression, Layout, LogicError, Table, parse
from sandbox.errors import bad_logic
from sandbox.exports.cells import Style
from sandbox.exports.columns import Selection
from sandbox.exports.flat import FlatExport, flat_table
from sandbox.exports.rows import Rows, in_order, load_rows
from sandbox.model import Field, Project, RowKey
from sandbox.storage import Change, Store

if TYPE_CHECKING:
    from sandbox.session import Session

MAX_ROUNDS = 10
_LEADS = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
_RAW = Style(False, False, "", gray_blank=False, files={}, version=(15,), missing={})
_CALCTEXT = re.compile(r"@CALCTEXT\s*\(", re.IGNORECASE)


@dataclass(frozen=True)
class _Calculation:
    field: Field
    expression: Expression
    is_text: bool


def keep_matching(session: Session, rows: Rows, *, everything: Rows, logic: str) -> Rows:
    """Return the rows where the logic holds; references may reach all of `everything`."""
    project = session.project
    keys = in_order(project, everything)
    try:
        expression = parse(logic)
        table = _table(project, everything, fields=expression.fields)
        truths = table.truth(expression, now=session.now, context={"user-name": session.member.username})
    except LogicError as error:
        raise bad_logic() from error
    kept = {key for key, holds in zip(keys, truths, strict=True) if holds}
    return {key: cells for key, cells in rows.items() if key in kept}


def recompute(
    store: Store, project: Project, *, touched: Mapping[RowKey, Collection[str]], now: datetime
) -> list[Change]:
    """Return new values of calculated fields whose inputs were touched, on rows that exist.

    `touched` has the changed fields by row; the changes must be stored already.
    """
    calculations = _calculations(project) if touched else []
    if not calculations:
        return []
    records = sorted({key.record for key in touched})
    rows = load_rows(store, project, records=records)
    names = {name for fields in touched.values() for name in fields}
    names |= {f"{project.field_by_name[name].form_name}:" for name in names if name in project.field_by_name}
    changes: dict[tuple[RowKey, str], Change] = {}
    for _ in range(MAX_ROUNDS):
        due = [one for one in calculations if _inputs(one) & names]
        found = _compute(project, rows, due=due, now=now)
        if not found:
            break
        changes |= {(one.key, one.field): one for one in found}
        names = {one.field for one in found}
    return list(changes.values())


def _calculations(project: Project) -> list[_Calculation]:
    found: list[_Calculation] = []
    for one in project.fields:
        text = one.select_choices_or_calculations if one.field_type == "calc" else _calctext(one)
        if not text:
            continue
        try:
            found.append(_Calculation(one, parse(text), one.field_type != "calc"))
        except LogicError:
            # REDCap keeps fields with a broken equation and leaves them as they are.
            continue
    return found


def _inputs(one: _Calculation) -> set[str]:
    # An equation without fields is computed when anything on its form is saved.
    return set(one.expression.fields) or {f"{one.field.form_name}:"}


def _compute(project: Project, rows: Rows, *, due: list[_Calculation], now: datetime) -> list[Change]:
    if not due:
        return []
    keys = in_order(project, rows)
    table = _table(project, rows, fields={name for one in due for name in one.expression.fields})
    found: list[Change] = []
    for one in due:
        try:
            compute = table.evaluate if one.is_text else table.calculate
            values = compute(one.expression, now=now)
        except LogicError:
            continue
        name = one.field.field_name
        for key, value in zip(keys, values, strict=True):
            if project.is_applicable(key, one.field.form_name) and rows[key].get(name, "") != value:
                found.append(Change(key, name, "", str(value)))
    for change in found:
        rows[change.key][change.field] = change.value
    return found


def _table(project: Project, rows: Rows, *, fields: Collection[str]) -> Table:
    columns = tuple(
        column
        for column in project.columns
        if column.field.field_name in fields or column.name == project.id_field
    )
    selection = Selection(columns, has_id=True, has_group=False, has_identifier=False)
    header, lines = flat_table(FlatExport(project, selection, _RAW), rows)
    frame = pd.DataFrame([[str(cell) for cell in line] for line in lines], columns=header, dtype="str")
    for name in _LEADS:
        if name not in frame:
            frame[name] = ""
    return Table(frame, _layout(project))


def _layout(project: Project) -> Layout:
    names = {one.event_id: one.unique_name if project.is_longitudinal else "" for one in project.events}
    arms = {arm.number: arm.name for arm in project.arms}
    events = tuple(
        LogicEvent(one.unique_name, one.label, one.arm_num, arms.get(one.arm_num, ""))
        for one in project.ordered_events
    )
    checkboxes: dict[str, dict[str, str]] = {}
    for column in project.columns:
        if column.code:
            checkboxes.setdefault(column.field.field_name, {})[column.code] = column.name
    stored = [one for one in project.all_fields if one.field_type != "descriptive"]
    return Layout(
        record_field=project.id_field,
        form_of={one.field_name: one.form_name for one in stored},
        checkboxes=checkboxes,
        choices={one.field_name: one.choices for one in stored if one.choices},
        events=events if project.is_longitudinal else (),
        designated=frozenset(
            (names[event.event_id], form.name)
            for event in project.events
            for form in project.forms
            if project.is_designated(event.event_id, form.name)
        ),
        repeating=frozenset((names[event_id], form) for event_id, form in project.repeating),
        forms={form.name: form.label for form in project.forms},
        validation={one.field_name: one.validation for one in stored},
        missing_codes=frozenset(project.missing_codes),
    )


def _calctext(one: Field) -> str:
    """Return what stands in the brackets of @CALCTEXT, or ''."""
    match = _CALCTEXT.search(one.field_annotation)
    if match is None:
        return ""
    depth = 1
    for index in range(match.end(), len(one.field_annotation)):
        depth += {"(": 1, ")": -1}.get(one.field_annotation[index], 0)
        if depth == 0:
            return one.field_annotation[match.end() : index]
    return ""
