"""The secondary unique field: no two records may have the same value in it (D.12)."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.imports.addressing import Placed
from sandbox.session import Session

# No recording has this text (J.1).
DUPLICATE = "The value already exists for another record, but the field '{0}' must be unique."


def check_unique(session: Session, placed: Sequence[Placed]) -> None:
    """Refuse values of the secondary unique field that another record has, stored or in this import."""
    name = session.project.settings.get("SecondaryUniqueField", "")
    given = {row.cells[name].strip() for row in placed if name in row.cells}
    if not name or not given - {""}:
        return
    owners: dict[str, str] = {}
    for record, value in session.store.values.column(session.project_id, name):
        if value in given:
            owners.setdefault(value, record)
    for row in placed:
        value = row.cells.get(name, "").strip()
        if value and owners.setdefault(value, row.key.record) != row.key.record:
            row.refuse(name, row.cells[name], message=DUPLICATE.format(name))
