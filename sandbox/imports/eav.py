"""An EAV payload, one value to a line, as rows like those of a flat one (D.1)."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.errors import BAD_FORMAT, ApiError
from sandbox.exports.columns import PSEUDO
from sandbox.payload import Row
from sandbox.project.model import Project

LEADS = PSEUDO[:3]


def from_eav(project: Project, rows: Sequence[Row]) -> list[Row]:
    """Join the lines of one record, event, instrument and instance to one row."""
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        if "record" not in row or "field_name" not in row:
            raise ApiError(BAD_FORMAT)
        where = (row["record"].strip(), *(row.get(name, "").strip() for name in LEADS))
        flat = found.setdefault(where, dict(zip((project.id_field, *LEADS), where, strict=True)))
        name, value = _cell(project, row["field_name"].strip(), value=row.get("value", ""))
        if name not in (project.id_field, *LEADS):
            flat[name] = value
    return list(found.values())


def _cell(project: Project, name: str, *, value: str) -> tuple[str, str]:
    # An EAV export has checkboxes as `race` with the checked code; an import may have `race___5` as well.
    option = project.column_of.get((name, value.strip()))
    return (option.name, "1") if option is not None and option.code else (name, value)
