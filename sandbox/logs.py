"""What REDCap writes into a project's log (B.16, D.12)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sandbox.model import RowKey
from sandbox.storage import Change, LogRow

# Up to version 11 the wording was in the past tense.
NEW_WORDING = (12,)
_OLD = {
    "Create record": "Created Record",
    "Update record": "Updated Record",
    "Delete record": "Deleted Record",
}


def action(verb: str, record: str, *, version: tuple[int, ...], source: str = "API") -> str:
    """Return an action text such as `Update record (API) 5`."""
    words = f"{verb} record" if version >= NEW_WORDING else _OLD[f"{verb} record"]
    return f"{words} ({source}) {record}" if source else f"{words} {record}"


def describe(change: Change) -> str:
    """Return one changed value as the log spells it."""
    if change.code:
        return f"{change.field}({change.code}) = {'checked' if change.value else 'unchecked'}"
    return f"{change.field} = '{change.value}'"


def change_rows(
    changes: Iterable[Change],
    known: Collection[str],
    *,
    at: str,
    username: str,
    version: tuple[int, ...],
    source: str = "API",
) -> list[LogRow]:
    """Return one log row per changed row key; `known` are records that existed before."""
    by_key: dict[RowKey, list[Change]] = {}
    for change in changes:
        by_key.setdefault(change.key, []).append(change)
    seen, rows = set(known), []
    for key, found in by_key.items():
        is_new = key.record not in seen
        seen.add(key.record)
        prefix = f"[instance = {key.instance}], " if key.instance > 1 else ""
        details = prefix + ", ".join(describe(change) for change in found)
        text = action("Create" if is_new else "Update", key.record, version=version, source=source)
        kind = "record_add" if is_new else "record_edit"
        rows.append(LogRow(at, username, kind, text, details, key.record))
    return rows
