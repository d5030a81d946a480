"""What REDCap writes into a project's log (B.16, D.12)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sandbox.project.parts import RowKey
from sandbox.session import Session
from sandbox.storage import LogRow
from sandbox.storage.values import SEPARATOR, Cells, split_item

API, COMPUTED, FORM = "API", "Auto calculation", ""
# Up to version 11 the wording was in the past tense.
NEW_WORDING = (12,)
_OLD = {
    "Create record": "Created Record",
    "Update record": "Updated Record",
    "Delete record": "Deleted Record",
}


def action(verb: str, record: str, *, version: tuple[int, ...], source: str = API) -> str:
    """Return an action text such as `Update record (API) 5`; a save in a form has no source."""
    words = f"{verb} record" if version >= NEW_WORDING else _OLD[f"{verb} record"]
    return f"{words} ({source}) {record}" if source else f"{words} {record}"


def describe(cells: Cells) -> str:
    """Return changed values as the log spells them: `age = '5', race(2) = checked`."""
    return ", ".join(
        [
            f"{name} = '{value}'" if SEPARATOR not in name else _option(name, value)
            for name, value in cells.items()
        ]
    )


def change_rows(
    session: Session, changed: Mapping[RowKey, Cells], *, known: Collection[str], source: str
) -> list[LogRow]:
    """Return one log row per changed row; `known` are records that existed before."""
    at, username = session.stamp, session.member.username
    seen, rows = set(known), []
    for key, cells in changed.items():
        if not cells:
            continue
        is_new = key.record not in seen
        seen.add(key.record)
        prefix = f"[instance = {key.instance}], " if key.instance > 1 else ""
        text = action("Create" if is_new else "Update", key.record, version=session.version, source=source)
        kind = "record_add" if is_new else "record_edit"
        rows.append(LogRow(at, username, kind, text, prefix + describe(cells), key.record))
    return rows


def _option(name: str, value: str) -> str:
    field, code = split_item(name)
    return f"{field}({code}) = {'checked' if value else 'unchecked'}"
