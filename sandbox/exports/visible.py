"""Which rows an export has: rights, filters and logic (C.4, C.12, C.13)."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.exports.matching import Matcher
from sandbox.people.rights import FULL, NO_ACCESS
from sandbox.project.model import Project
from sandbox.session import Session
from sandbox.storage.rows import CHUNK_ROWS, Row, name_options, read_chunks, sort_records
from sandbox.storage.values import StoredRow, Values

# Logic is computed over whole frames, and making one takes as long as computing a thousand rows.
LOGIC_ROWS = 1000


@dataclass(frozen=True)
class RowFilter:
    """What is left of a project's rows; None filters nothing."""

    project: Project
    records: frozenset[str] | None
    event_ids: frozenset[int] | None
    matcher: Matcher | None
    hides_ids: bool

    def chunks(self, values: Values) -> Iterator[list[Row]]:
        """Yield rows in export order, some hundred at a time, with cells by column."""
        return name_options(self.project, self.stored_chunks(values))

    def stored_chunks(self, values: Values) -> Iterator[list[StoredRow]]:
        """Yield the same rows with cells by `item`, which is faster."""
        allowed = self.records
        names = values.names(self.project.project_id)
        records = sort_records(name for name in names if allowed is None or name in allowed)
        for chunk in read_chunks(values, self.project, records=records, size=self._chunk_rows()):
            yield self._keep(chunk)

    def _chunk_rows(self) -> int:
        if self.matcher is None:
            return CHUNK_ROWS
        return sys.maxsize if self.matcher.needs_all_records else LOGIC_ROWS

    def _keep(self, rows: list[StoredRow]) -> list[StoredRow]:
        # Logic comes first: it may refer to rows of other events.
        kept = rows if self.matcher is None else self.matcher.keep(rows)
        if self.event_ids is not None:
            kept = [row for row in kept if row.key.event_id in self.event_ids]
        return [_hide_id(row, self.project.id_field) for row in kept] if self.hides_ids else kept


def read_filter(session: Session) -> RowFilter:
    """Read a request's filters; raises `ApiError` for wrong logic."""
    call, project = session.call, session.project
    events = set(call.names("events")) if project.is_longitudinal else set()
    logic = call.text("filterLogic").strip()
    return RowFilter(
        project,
        _allowed_records(session),
        frozenset(one.event_id for one in project.events if one.unique_name in events) if events else None,
        Matcher(session, logic) if logic else None,
        _hides_ids(session),
    )


def hide(record: str) -> str:
    """Return what stands for an id that may not be seen; how REDCap hashes was not recorded (J.1)."""
    return hashlib.md5(record.encode()).hexdigest()


def group_names(session: Session, *, labels: bool) -> dict[str, str]:
    """Return access groups by record, as the export names both."""
    names = {one.group_id: one.name if labels else one.unique_name for one in session.project.groups}
    found = session.store.groups.by_record(session.project_id)
    shown = hide if _hides_ids(session) else str
    return {shown(record): names.get(group_id, "") for record, group_id in found.items()}


def _allowed_records(session: Session) -> frozenset[str] | None:
    call, store, project_id = session.call, session.store, session.project_id
    limits: list[frozenset[str]] = []
    if call.names("records"):
        limits.append(frozenset(call.names("records")))
    own = session.member.group_id
    if own is not None:
        groups = store.groups.by_record(project_id)
        limits.append(frozenset(record for record, group_id in groups.items() if group_id == own))
    begin, end = call.text("dateRangeBegin"), call.text("dateRangeEnd")
    if begin or end:
        limits.append(store.log.records_written(project_id, begin, before=end))
    return frozenset.intersection(*limits) if limits else None


def _hides_ids(session: Session) -> bool:
    """Whether the record id is an identifier that the user may not see; it is hashed then (C.13)."""
    first = session.project.fields[0]
    return bool(first.identifier) and session.member.export_level(first.form_name) not in (FULL, NO_ACCESS)


def _hide_id(row: StoredRow, id_field: str) -> StoredRow:
    hidden = hide(row.key.record)
    cells = {name: hidden if name == id_field else value for name, value in row.cells.items()}
    return StoredRow(row.key._replace(record=hidden), cells, row.survey)
