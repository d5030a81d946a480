"""Deletion of records, or of a part of them (B.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.data import logs
from sandbox.data.records import forget_missing_records, reachable_records
from sandbox.errors import ApiError, missing_records
from sandbox.methods.asked import asked_events
from sandbox.project.model import Project
from sandbox.project.parts import RowKey
from sandbox.render import Answer, plain
from sandbox.session import Session
from sandbox.storage.values import Cells, split_item

# None of these texts was recorded (J.1).
NO_RECORDS = "No records were named to be deleted."
NO_ARMS = 'The parameter "arm" cannot be used because the project has no arms.'
NO_FORM = "The instrument does not exist in the project."
NEEDS_EVENT = 'The parameter "event" is required when an instrument of a longitudinal project is deleted.'
NO_INSTANCE = 'The parameter "repeat_instance" must be a whole number greater than 0.'
ERASES_LOG = "AllowDeleteRecordFromLog"
_INSTANCE = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Part:
    """What is deleted of a record: some events, of them one instrument or instance; None is all."""

    event_ids: frozenset[int] | None
    form: str
    instance: int | None

    @property
    def is_whole(self) -> bool:
        return self.event_ids is None and not self.form and self.instance is None

    def has(self, project: Project, key: RowKey) -> bool:
        """Tell whether something of a row belongs to the part."""
        if self.event_ids is not None and key.event_id not in self.event_ids:
            return False
        if self.form and not project.is_applicable(key, self.form):
            return False
        # What does not repeat is instance 1 of its form or event, but no instance of the record.
        instance = key.instance or (1 if self.form or self.event_ids is not None else 0)
        return self.instance in (None, instance)


def delete(session: Session) -> Answer:
    """Delete records, or of them one arm, event, instrument or instance; answers how many records."""
    records = _asked_records(session)
    part, project, values = _asked_part(session), session.project, session.store.values
    stored = {
        key: cells
        for key, cells in values.rows(session.project_id, records)
        if part.is_whole or part.has(project, key)
    }
    erased = {key: _erased(project, cells, form=part.form) for key, cells in stored.items()}
    _forget(session, stored, erased=erased, part=part)
    values.replace(session.project_id, {key: cells | erased[key] for key, cells in stored.items()})
    left = {key.record for key, _ in values.rows(session.project_id, records)}
    forget_missing_records(session.store, session.project_id)
    _log_deleted(session, [record for record in records if record not in left])
    _log_erased(session, {key: cells for key, cells in erased.items() if key.record in left})
    return plain(len({key.record for key in stored}))


def _asked_records(session: Session) -> list[str]:
    wanted = list(dict.fromkeys(session.call.names("records")))
    if not wanted:
        raise ApiError(NO_RECORDS)
    known = reachable_records(session)
    missing = [record for record in wanted if record not in known]
    if missing:
        raise missing_records(missing)
    return wanted


def _asked_part(session: Session) -> Part:
    call, project = session.call, session.project
    form, event, instance = call.text("instrument"), call.text("event"), call.text("repeat_instance")
    if form and form not in project.form_order:
        raise ApiError(NO_FORM)
    if form and project.is_longitudinal and not event:
        raise ApiError(NEEDS_EVENT)
    if instance and not _INSTANCE.fullmatch(instance):
        raise ApiError(NO_INSTANCE)
    arm = call.text("arm")
    if arm and not project.is_longitudinal:
        raise ApiError(NO_ARMS)
    event_ids = asked_events(project, arm, event=event)
    return Part(event_ids, form, int(instance) if instance else None)


def _erased(project: Project, cells: Cells, *, form: str) -> Cells:
    """Return the values that go, as blanks; the record id goes with the last of the others."""
    if not form:
        return dict.fromkeys(cells, "")
    names = {one.field_name for one in project.all_fields if one.form_name == form} - {project.id_field}
    gone = {name for name in cells if split_item(name)[0] in names}
    is_last = gone and cells.keys() <= gone | {project.id_field}
    return {name: "" for name in cells if is_last or name in gone}


def _forget(
    session: Session, stored: Mapping[RowKey, Cells], *, erased: Mapping[RowKey, Cells], part: Part
) -> None:
    """Delete what belongs to the values: files, locks and the time of a survey."""
    store, project = session.store, session.project
    files = [one.field_name for one in project.fields if one.field_type == "file"]
    for key, names in erased.items():
        for name in files:
            if name in names:
                store.files.delete(session.project_id, stored[key][name])
    store.locks.forget_rows(session.project_id, stored, form=part.form)
    if part.form in project.surveys:
        times = {(key, f"{part.form}_timestamp"): "" for key in stored}
        store.values.set_surveys(session.project_id, times)


def _log_deleted(session: Session, records: list[str]) -> None:
    """Log deleted records; where the project allows it, their values go from the log as well."""
    for record in records:
        details = f"{session.project.id_field} = '{record}'"
        action = logs.action("Delete", record, version=session.version, source=session.source)
        session.log("record_delete", action, details=details, record=record)
    wants_erased = session.call.text("delete_logging", "1") != "0"
    if session.project.settings.get(ERASES_LOG) == "1" and wants_erased:
        session.store.log.erase(session.project_id, records)


def _log_erased(session: Session, erased: Mapping[RowKey, Cells]) -> None:
    """Log what went of records that are still there, like blanks that were saved (not recorded, J.1)."""
    id_field = session.project.id_field
    values = {key: {name: "" for name in cells if name != id_field} for key, cells in erased.items()}
    known = {key.record for key in erased}
    rows = logs.change_rows(session, values, known=known, source=session.source)
    session.store.log.add(session.project_id, rows)
