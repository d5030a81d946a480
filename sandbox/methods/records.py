"""content=record: export, import, delete, rename; and the next record name (B.1, B.2)."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import logs
from sandbox.calculation import keep_matching
from sandbox.errors import NO_EXPORT, ApiError, missing_records
from sandbox.exports.cells import read_style
from sandbox.exports.columns import Selection, select_columns
from sandbox.exports.eav import eav_table
from sandbox.exports.flat import FlatExport, flat_table, label_header
from sandbox.exports.rows import Rows, load_rows
from sandbox.imports.run import import_records
from sandbox.model import Project, RowKey
from sandbox.names import next_number
from sandbox.odm.write_data import clinical_document
from sandbox.render import Answer, plain, quote, table, to_csv
from sandbox.rights import DEIDENTIFIED
from sandbox.session import Session
from sandbox.storage import Change

__all__ = ["delete", "export", "import_records", "next_name", "rename", "visible_rows"]


def export(session: Session) -> Answer:
    """Export records, flat or EAV."""
    call, project = session.call, session.project
    if session.member.sees_nothing(project):
        raise ApiError(NO_EXPORT, 403)
    selection = select_columns(project, call, member=session.member, version=session.version)
    rows = visible_rows(session)
    session.log("export", "Data Export (API) ", details="Export records (API)")
    if call.format == "odm":
        return Answer(clinical_document(session.store, project, rows=rows, now=session.now), "xml")
    if call.text("type") == "eav":
        return _export_eav(session, selection, rows=rows)
    return _export_flat(session, selection, rows=rows)


def visible_rows(session: Session) -> Rows:
    """Return the rows that rights, filters and logic leave (C.4, C.12)."""
    call, project = session.call, session.project
    wanted = call.names("records")
    everything = load_rows(session.store, project, records=sorted(set(wanted)) if wanted else None)
    rows = everything
    for keep in _filters(session):
        rows = {key: cells for key, cells in rows.items() if keep(key)}
    logic = call.text("filterLogic").strip()
    return keep_matching(session, rows, everything=everything, logic=logic) if logic else rows


def _filters(session: Session) -> list[Callable[[RowKey], bool]]:
    project, filters = session.project, []
    events = set(session.call.names("events"))
    if events and project.is_longitudinal:
        kept = {one.event_id for one in project.events if one.unique_name in events}
        filters.append(lambda key: key.event_id in kept)
    if session.member.group_id is not None:
        groups = session.store.groups.by_record(session.project_id)
        filters.append(lambda key: groups.get(key.record) == session.member.group_id)
    changed = _changed_records(session)
    if changed is not None:
        filters.append(lambda key: key.record in changed)
    return filters


def _changed_records(session: Session) -> set[str] | None:
    """Return records that the log says were written in the date range, or None without one."""
    begin, end = session.call.text("dateRangeBegin"), session.call.text("dateRangeEnd")
    if not begin and not end:
        return None
    return {
        row.record
        for row in session.store.log.rows(session.project_id)
        if row.kind in ("record_add", "record_edit") and row.at > begin and (not end or row.at < end)
    }


def _export_flat(session: Session, selection: Selection, *, rows: Rows) -> Answer:
    call, store, project = session.call, session.store, session.project
    style = read_style(call, project, files=store.files.names(session.project_id), version=session.version)
    needs_pseudo = selection.has_identifier
    flat = FlatExport(
        project,
        selection,
        style,
        groups=_group_names(session, labels=style.labels),
        pseudo=dict(store.values.surveys(session.project_id)) if needs_pseudo else {},
        hash_ids=_hashes_ids(session),
    )
    header, lines = flat_table(flat, rows)
    if call.format != "csv":
        return table(header, lines, fmt=call.format, root="records")
    if not lines:
        return Answer("\n", "csv")
    names = label_header(flat, header) if call.text("rawOrLabelHeaders") == "label" else header
    return Answer(to_csv(names, lines, delimiter=call.delimiter), "csv")


def _hashes_ids(session: Session) -> bool:
    first = session.project.fields[0]
    return bool(first.identifier) and session.member.export_level(first.form_name) == DEIDENTIFIED


def _export_eav(session: Session, selection: Selection, *, rows: Rows) -> Answer:
    call = session.call
    header, lines = eav_table(
        session.store,
        session.project,
        selection=selection,
        keys=rows,
        groups=_group_names(session, labels=False),
        labels=call.text("rawOrLabel") == "label",
    )
    if call.format != "csv":
        return table(header, lines, fmt=call.format, root="records")
    return Answer(to_csv(header, lines, delimiter=call.delimiter) if lines else "\n", "csv")


def _group_names(session: Session, *, labels: bool) -> dict[str, str]:
    names = {one.group_id: one.name if labels else one.unique_name for one in session.project.groups}
    found = session.store.groups.by_record(session.project_id)
    return {record: names.get(group_id, "") for record, group_id in found.items()}


def delete(session: Session) -> Answer:
    """Delete records, or of them one arm, instrument, event or instance; answers how many records."""
    project, store, wanted = session.project, session.store, session.call.names("records")
    known = store.values.record_names(session.project_id)
    missing = [record for record in wanted if record not in known]
    if missing or not wanted:
        raise missing_records(missing)
    chosen = [
        key for key in load_rows(store, project, records=sorted(set(wanted))) if _is_chosen(session, key)
    ]
    form = session.call.text("instrument")
    names = [one.field_name for one in project.all_fields if one.form_name == form] if form else []
    names = [name for name in names if name != project.id_field]
    if form:
        store.values.apply(session.project_id, _erasures(project, chosen, names=names))
        chosen = _only_ids(session, chosen)
    store.values.delete_rows(session.project_id, chosen)
    store.groups.forget_missing_records(session.project_id)
    for record in dict.fromkeys(wanted):
        details = f"{project.id_field} = '{record}'"
        action = logs.action("Delete", record, version=session.version)
        session.log("record_delete", action, details=details, record=record)
    return plain(len(set(wanted)))


def _erasures(project: Project, keys: list[RowKey], *, names: list[str]) -> list[Change]:
    columns = [one for one in project.columns if one.field.field_name in names]
    return [Change(key, one.field.field_name, one.code, "") for key in keys for one in columns]


def _is_chosen(session: Session, key: RowKey) -> bool:
    call, project = session.call, session.project
    event, form = project.event_by_id[key.event_id], call.text("instrument")
    instance = call.text("repeat_instance")
    if call.text("arm") and str(event.arm_num) != call.text("arm"):
        return False
    if call.text("event") and project.is_longitudinal and event.unique_name != call.text("event"):
        return False
    if form and not project.is_applicable(key, form):
        return False
    return not instance or key.instance == 0 or str(key.instance) == instance


def _only_ids(session: Session, keys: list[RowKey]) -> list[RowKey]:
    rows = load_rows(session.store, session.project, records=sorted({key.record for key in keys}))
    left = {session.project.id_field}
    return [key for key in keys if key in rows and set(rows[key]) <= left]


def rename(session: Session) -> Answer:
    """Rename a record in all arms or in one."""
    call, store, project = session.call, session.store, session.project
    old, new, arm = call.text("record").strip(), call.text("new_record_name").strip(), call.text("arm")
    names = store.values.record_names(session.project_id)
    # Neither text was recorded (J.1).
    if old not in names:
        raise ApiError(f"The record {quote(old)} does not exist")
    if not new or new in names:
        raise ApiError("The new record name is empty or already exists")
    events = [one.event_id for one in project.events if not arm or str(one.arm_num) == arm]
    store.values.rename_record(session.project_id, old, new=new, event_ids=events, id_field=project.id_field)
    group_id = store.groups.by_record(session.project_id).get(old)
    store.groups.assign(session.project_id, new, group_id=group_id)
    store.groups.forget_missing_records(session.project_id)
    details = f"{project.id_field} = '{new}'"
    session.log(
        "record_edit", logs.action("Update", new, version=session.version), details=details, record=new
    )
    return plain(1)


def next_name(session: Session) -> Answer:
    """Answer the name that the next record would get; creates nothing."""
    group = session.member.group_id
    prefix = "" if group is None else f"{group}-"
    return plain(f"{prefix}{next_number(session.store.values.record_names(session.project_id), prefix)}")
