"""Record exports as answers: whatever can be refused is found first, then rows are read as they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from sandbox.errors import NO_EXPORT, ApiError
from sandbox.exports.cells import Style, read_style
from sandbox.exports.columns import Selection, select_columns
from sandbox.exports.eav import Eav
from sandbox.exports.flat import Flat, FlatExport, label_header
from sandbox.exports.parts import csv_parts, json_parts, xml_parts
from sandbox.exports.visible import group_names, read_filter
from sandbox.odm.write_data import ClinicalOptions, clinical_document
from sandbox.render import Answer, Part, Stream
from sandbox.session import Session
from sandbox.storage.values import StoredRow

Chunks = Iterator[list[StoredRow]]


def export_records(session: Session) -> Answer:
    """Export records, flat or EAV, in csv, json, xml or odm."""
    if session.call.format == "odm":
        write = partial(clinical_document, session.project, now=session.now)
        answer = stream_clinical(session, write)
    else:
        selection = _select(session)
        answer = _stream(session, _writer(session, selection))
    session.log("export", "Data Export (API) ", details="Export records (API)")
    return answer


def stream_clinical(
    session: Session, write: Callable[[ClinicalOptions], Iterator[Part]], *, with_files: bool = False
) -> Answer:
    """Answer XML whose data is made as it is read; `write` makes it of its options."""
    selection, chosen = _select(session), read_filter(session)
    groups = group_names(session, labels=False) if selection.has_group else None
    snapshot = session.store.snapshot()
    options = ClinicalOptions(
        chosen.chunks(snapshot.values),
        fields=frozenset(one.field.field_name for one in selection.columns),
        groups=groups,
        surveys=selection.has_identifier,
        files=snapshot.files if with_files else None,
    )
    return Answer(Stream(write(options), snapshot.close), "xml")


def _select(session: Session) -> Selection:
    if session.member.sees_nothing(session.project):
        raise ApiError(NO_EXPORT, 403)
    return select_columns(session.project, session.call, member=session.member, version=session.version)


def _stream(session: Session, write: Callable[[Chunks], Iterator[Part]]) -> Answer:
    chosen = read_filter(session)
    snapshot = session.store.snapshot()
    parts = write(chosen.stored_chunks(snapshot.values))
    return Answer(Stream(parts, snapshot.close), session.call.format)


def _writer(session: Session, selection: Selection) -> Callable[[Chunks], Iterator[Part]]:
    call = session.call
    layout, names = _layout(session, selection)
    match call.format:
        case "csv":
            write = partial(csv_parts, names, delimiter=call.delimiter)
        case "json":
            write = partial(json_parts, names)
        case _:
            write = partial(xml_parts, names)
    return lambda chunks: write(map(layout.lines, chunks))


def _layout(session: Session, selection: Selection) -> tuple[Flat | Eav, list[str]]:
    call, project = session.call, session.project
    files = session.store.files.names(session.project_id)
    style = read_style(call, project, files=files, version=session.version)
    if call.text("type") == "eav":
        return _eav(session, selection, style=style)
    groups = group_names(session, labels=style.labels) if selection.has_group else {}
    export = FlatExport(project, selection, style, groups=groups)
    flat = Flat(export, by_item=True)
    has_labels = call.format == "csv" and call.text("rawOrLabelHeaders") == "label"
    return flat, label_header(export, flat.header) if has_labels else flat.header


def _eav(session: Session, selection: Selection, *, style: Style) -> tuple[Eav, list[str]]:
    groups = group_names(session, labels=False) if selection.has_group else {}
    eav = Eav(session.project, selection, style=style, groups=groups)
    return eav, eav.header
