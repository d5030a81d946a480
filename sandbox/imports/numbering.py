"""Numbers that an import leaves to REDCap: record ids and new instances (D.6, D.7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sandbox.imports.addressing import NEW, Placed
from sandbox.project.names import next_number
from sandbox.project.parts import RowKey
from sandbox.session import Session


def number_records(session: Session, placed: Sequence[Placed]) -> dict[str, str]:
    """Give placeholders new record ids; returns the given ids by the new ones.

    Rows with one placeholder stay together. In a project without auto-numbering they keep their ids.
    """
    names = list(dict.fromkeys(row.given for row in placed))
    new = {name: name for name in names}
    if session.project.settings.get("RecordAutonumberingEnabled") == "1":
        prefix = record_prefix(session)
        first = next_number(session.store.values.record_names(session.project_id), prefix)
        new = {name: f"{prefix}{first + index}" for index, name in enumerate(names)}
        for row in placed:
            row.key = row.key._replace(record=new[row.given])
            # What was wrong with the placeholder does not matter any more.
            row.errors = [error for error in row.errors if error.field != session.project.id_field]
    return {new[name]: name for name in names}


def record_prefix(session: Session) -> str:
    """Return what the ids of new records begin with: a user's access group, and a hyphen."""
    return "" if session.member.group_id is None else f"{session.member.group_id}-"


def number_instances(placed: Sequence[Placed], stored: Iterable[RowKey]) -> None:
    """Give rows with the instance `new` the numbers after the highest one in use."""
    used: dict[tuple[str, int, str], int] = {}
    for key in stored:
        used[key[:3]] = max(used.get(key[:3], 0), key.instance)
    for row in placed:
        where = row.key[:3]
        if row.key.instance == NEW:
            row.key = row.key._replace(instance=used.get(where, 0) + 1)
        used[where] = max(used.get(where, 0), row.key.instance)
