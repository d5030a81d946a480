"""content=log (B.16)."""

from __future__ import annotations

from sandbox.render import Answer, table
from sandbox.session import Session
from sandbox.storage import LogRow

_COLUMNS = ("timestamp", "username", "action", "details", "record")


def export_log(session: Session) -> Answer:
    """List the log, newest first; timestamps have no seconds."""
    session.member.require("logging")
    rows = [
        (row.at[:16], row.username, row.action, row.details, row.record)
        for row in session.store.log.rows(session.project_id)
        if _is_wanted(session, row)
    ]
    session.log_design("Export Logging (API)")
    return table(_COLUMNS, rows, fmt=session.call.format, root="logs")


def _is_wanted(session: Session, row: LogRow) -> bool:
    call = session.call
    kind, begin, end = call.text("logtype"), call.text("beginTime"), call.text("endTime")
    if kind and not (row.kind == kind or (kind == "record" and row.kind.startswith("record"))):
        return False
    if call.text("user") not in ("", row.username) or call.text("record") not in ("", row.record):
        return False
    return (not begin or row.at >= begin) and (not end or row.at[:16] <= end[:16])
