"""Filter logic, computed by the logic language (C.12)."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from capstan.logic import LogicError, Table, check, parse
from sandbox.errors import bad_logic
from sandbox.exports.cells import Style
from sandbox.exports.columns import Selection
from sandbox.exports.flat import Flat, FlatExport
from sandbox.project.layout import layout_of
from sandbox.session import Session
from sandbox.storage.values import StoredRow

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
