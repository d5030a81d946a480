"""content=log (B.16)."""

from __future__ import annotations

from sandbox.render import Answer, table
from sandbox.session import Session
from sandbox.storage.log import LogFilter

_COLUMNS = ("timestamp", "username", "action", "details", "record")


def export_log(session: Session) -> Answer:
    """List the log, newest first; timestamps have no seconds."""
    call = session.call
    wanted = LogFilter(
        kind=call.text("logtype"),
        username=call.text("user"),
        record=call.text("record"),
        begin=call.text("beginTime"),
        end=call.text("endTime"),
        among=_asked_records(session),
    )
    rows = [
        (row.at[:16], row.username, row.action, row.details, row.record)
        for row in session.store.log.rows(session.project_id, wanted)
    ]
    session.log_design("Export Logging (API)")
    return table(_COLUMNS, rows, fmt=call.format, root="logs")


def _asked_records(session: Session) -> frozenset[str] | None:
    """Return the records of the group asked for, or of the user's own; None without either."""
    own = session.group_name(session.member.group_id)
    name = own or session.call.text("dag")
    if not name:
        return None
    ids = {group.unique_name: group.group_id for group in session.project.groups}
    groups = session.store.groups.by_record(session.project_id)
    return frozenset(record for record, group_id in groups.items() if group_id == ids.get(name))
