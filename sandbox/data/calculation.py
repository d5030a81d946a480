"""Filter logic, computed by the logic language, and how it sees a project (C.12, G)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from capstan.logic import Event as LogicEvent
from capstan.logic import Layout, LogicError, Table, check, parse
from sandbox.errors import bad_logic
from sandbox.exports.cells import Style
from sandbox.exports.columns import Selection
from sandbox.exports.flat import Flat, FlatExport
from sandbox.project.model import Project
from sandbox.storage.values import StoredRow

if TYPE_CHECKING:
    from sandbox.session import Session

_LEADS = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
_RAW = Style(False, False, "", gray_blank=False, files={}, version=(15,), missing={})


class Matcher:
    """Keeps the rows where a filter logic holds; refuses wrong logic as soon as it is made."""

    def __init__(self, session: Session, logic: str) -> None:
        self._now = session.now
        self._context = {"user-name": session.member.username}
        self._layout = layout_of(session.project)
        try:
            self._expression = parse(logic)
            check(self._expression, self._layout)
        except LogicError as error:
            raise bad_logic() from error
        names = {*self._expression.fields, session.project.id_field}
        columns = tuple(one for one in session.project.columns if one.field.field_name in names)
        selection = Selection(columns, has_id=True, has_group=False, has_identifier=False)
        self._flat = Flat(FlatExport(session.project, selection, _RAW), by_item=True)

    @property
    def needs_all_records(self) -> bool:
        """Whether it names an aggregate; all else refers to one record only."""
        return any(one.field.startswith("aggregate-") for one in self._expression.references)

    def keep(self, rows: Sequence[StoredRow]) -> list[StoredRow]:
        """Return the rows where the logic holds; `rows` are all rows of their records."""
        lines = [[str(cell) for cell in line] for line in self._flat.lines(rows)]
        frame = pd.DataFrame(lines, columns=self._flat.header, dtype="str")
        for name in _LEADS:
            if name not in frame:
                frame[name] = ""
        table = Table(frame, self._layout)
        truths = table.truth(self._expression, now=self._now, context=self._context)
        return [row for row, holds in zip(rows, truths, strict=True) if holds]


def layout_of(project: Project) -> Layout:
    """Describe a project to the logic language."""
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
