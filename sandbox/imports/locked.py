"""What an import cannot change: locked forms and records, and randomized fields (D.4 rule 9)."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.data.drafts import Draft
from sandbox.data.locking import guard_of
from sandbox.imports.addressing import Placed
from sandbox.imports.cells import Wanted
from sandbox.session import Session
from sandbox.storage.values import split_item


def refuse_locked(
    session: Session, draft: Draft, *, rows: Sequence[Placed], wanted: Sequence[Wanted]
) -> None:
    """Refuse values that would change what is locked or randomized; the same value again is no change."""
    guard = guard_of(session)
    if guard.has_nothing:
        return
    for row, found in zip(rows, wanted, strict=True):
        for name, value in found.cells.items():
            message = guard.refusal(row.key, name)
            if message and draft.value(row.key, name) != value:
                column = session.project.column_of[split_item(name)].name
                row.refuse(column, row.cells.get(column, ""), message=message)
