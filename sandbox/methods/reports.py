"""content=report: a report's rows in its own columns and order (B.17)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sandbox.call import Call
from sandbox.errors import NO_EXPORT, OUT_OF_MEMORY, ApiError
from sandbox.exports.cells import read_style
from sandbox.exports.columns import TIMESTAMP, Selection, select_columns
from sandbox.exports.flat import Flat, FlatExport, label_header
from sandbox.exports.visible import group_names, read_filter
from sandbox.project.field import Column
from sandbox.project.model import Project
from sandbox.project.names import natural_key
from sandbox.render import Answer, Cell, table, to_csv
from sandbox.session import Session
from sandbox.setup.reports import Report, find_report
from sandbox.storage.rows import Row

_DISPLAY = ("rawOrLabel", "exportCheckboxLabel", "decimalCharacter")
_REPEATS = ("redcap_repeat_instrument", "redcap_repeat_instance")
_ONE_BLANK_EACH = str.maketrans("\r\n", "  ")
# The answer is made in memory, so it is bounded like what a server has of it (A.4).
MAX_CELLS = 5_000_000
Lines = list[list[Cell]]


def export_report(session: Session) -> Answer:
    """Export a report by its id, or by its unique name."""
    if session.member.sees_nothing(session.project):
        raise ApiError(NO_EXPORT, 403)
    report = find_report(session.project, session.call.text("report_id").strip())
    call = session.call
    session.log("export", "Data Export (API) ", details=f"Export report (API): {report.title}")
    session = replace(session, call=_as_record_export(session, report))
    export = _flat_export(session, report)
    flat = Flat(export)
    rows = _in_report_order(report, _shown_rows(session, report, selection=export.selection))
    header, lines = _finish(report, flat.header, lines=[*flat.lines(rows)])
    if call.format != "csv":
        return table(header, lines, fmt=call.format, root="records")
    names = label_header(export, header) if call.text("rawOrLabelHeaders") == "label" else header
    return Answer(to_csv(names, lines, delimiter=call.delimiter) if lines else "\n", "csv")


def _as_record_export(session: Session, report: Report) -> Call:
    """Return the record export that the report's own options amount to."""
    fields = {name: session.call.text(name) for name in _DISPLAY}
    fields["exportSurveyFields"] = str(int(report.output_surveys))
    fields["exportDataAccessGroups"] = str(int(report.output_groups))
    fields["combineCheckboxOptions"] = str(int(report.combine_checkboxes))
    fields["filterLogic"] = report.logic
    known = tuple(name for name in report.fields if name in session.project.field_by_name)
    if not known:
        raise ApiError("The report has no fields that the project still has.")
    return Call(fields, {"fields": known, "events": report.events})


def _flat_export(session: Session, report: Report) -> FlatExport:
    project, call = session.project, session.call
    selection = select_columns(project, call, member=session.member, version=session.version)
    files = session.store.files.names(session.project_id)
    style = read_style(call, project, files=files, version=session.version)
    return FlatExport(
        project,
        _reordered(selection, report.fields),
        style,
        groups=group_names(session, labels=style.labels),
    )


def _reordered(selection: Selection, names: Sequence[str]) -> Selection:
    """Put columns where the report has their fields; a timestamp comes before its form's first field."""
    place = {name: index for index, name in enumerate(names)}
    first: dict[str, int] = {}
    for one in selection.columns:
        if one.field.field_type != TIMESTAMP:
            index = place[one.field.field_name]
            first[one.field.form_name] = min(index, first.get(one.field.form_name, index))

    def where(column: Column) -> tuple[int, bool]:
        is_stamp = column.field.field_type == TIMESTAMP
        index = first[column.field.form_name] if is_stamp else place[column.field.field_name]
        return index, not is_stamp

    return replace(selection, columns=tuple(sorted(selection.columns, key=where)))


def _shown_rows(session: Session, report: Report, *, selection: Selection) -> list[Row]:
    """Return the rows that rights and the report's filters leave, in the order of a record export."""
    project = session.project
    most = MAX_CELLS // (len(selection.columns) + 1)
    found: list[Row] = []
    for row in _filtered_rows(session, report):
        shown = row if report.output_missing_codes else _without_missing_codes(project, row)
        if _is_shown(project, shown, selection=selection):
            found.append(shown)
        if len(found) > most:
            raise ApiError(OUT_OF_MEMORY)
    return found


def _filtered_rows(session: Session, report: Report) -> Iterator[Row]:
    values, groups = session.store.values, group_names(session, labels=False)
    matching = (row for chunk in read_filter(session).chunks(values) for row in chunk)
    rows = matching
    if report.whole_records and report.logic:
        # One row for which the logic holds brings all rows of its record.
        records = {row.key.record for row in matching}
        anyhow = {**session.call.fields, "filterLogic": ""}
        unfiltered = read_filter(replace(session, call=replace(session.call, fields=anyhow)))
        rows = (row for chunk in unfiltered.chunks(values) for row in chunk if row.key.record in records)
    return (row for row in rows if not report.groups or groups.get(row.key.record) in report.groups)


def _is_shown(project: Project, row: Row, *, selection: Selection) -> bool:
    """Tell whether a report lists a row; where records have several, those blank in it stay out (J.1)."""
    if not (project.is_longitudinal or project.is_repeating):
        return True
    fields = {one.field.field_name for one in selection.columns} - {project.id_field}
    columns = project.column_by_name
    stored = {columns[name].field.field_name for name in row.cells if name in columns}
    return not fields or not fields.isdisjoint(stored)


def _without_missing_codes(project: Project, row: Row) -> Row:
    columns, codes = project.column_by_name, project.missing_codes
    cells = {
        name: value
        for name, value in row.cells.items()
        if value not in codes or (name in columns and value in columns[name].field.choices)
    }
    return row._replace(cells=cells)


def _in_report_order(report: Report, rows: list[Row]) -> list[Row]:
    # Sorting keeps the order of equals, so the last field comes first.
    for field, descending in reversed(report.orders):
        rows.sort(key=lambda row: _sort_key(row.cells.get(field, "")), reverse=descending)
    return rows


def _sort_key(value: str) -> tuple[int, float, tuple[str | int, ...]]:
    """Return a key that puts blanks first, then numbers by size, then text as people sort it."""
    if not value:
        return 0, 0, ()
    try:
        return 1, float(value), ()
    except ValueError:
        return 2, 0, natural_key(value)


def _finish(report: Report, header: Sequence[str], *, lines: Lines) -> tuple[list[str], Lines]:
    """Join broken lines, and leave out the repeat columns, where the report says so."""
    if report.join_lines:
        lines = [
            [cell.translate(_ONE_BLANK_EACH) if isinstance(cell, str) else cell for cell in line]
            for line in lines
        ]
    if report.output_repeats:
        return list(header), lines
    kept = [index for index, name in enumerate(header) if name not in _REPEATS]
    return [header[index] for index in kept], [[line[index] for index in kept] for line in lines]
