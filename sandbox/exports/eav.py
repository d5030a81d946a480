"""The EAV export: one line per stored value (C.11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sandbox.exports.cells import strip_tags
from sandbox.exports.columns import Selection
from sandbox.exports.rows import in_order
from sandbox.model import Project, RowKey
from sandbox.render import Cell
from sandbox.storage import Store
from sandbox.storage.values import Cells, split_item

FEW_RECORDS = 500


def eav_table(
    store: Store,
    project: Project,
    *,
    selection: Selection,
    keys: Iterable[RowKey],
    groups: Mapping[str, str],
    labels: bool = False,
) -> tuple[list[str], list[list[Cell]]]:
    """List stored values of the given rows, in storage order inside a row."""
    kept = set(keys)
    wanted = {column.field.field_name for column in selection.columns}
    values = _by_row(store, project, kept=kept)
    lines: list[list[Cell]] = []
    for key in in_order(project, kept):
        lead = _lead(project, key)
        for stored, found in values[key].items():
            name, code = split_item(stored)
            value = code or found
            if name in wanted and (name, code) in project.column_of:
                lines.append([*lead, name, _label(project, name, value=value) if labels else value])
        if selection.has_group and groups.get(key.record):
            lines.append([*lead, "redcap_data_access_group", groups[key.record]])
    return _header(project), lines


def _by_row(store: Store, project: Project, *, kept: set[RowKey]) -> dict[RowKey, Cells]:
    records = {key.record for key in kept}
    # One pass over the project is faster than asking for many records one by one.
    few = sorted(records) if len(records) <= FEW_RECORDS else None
    return {key: found for key, found in store.values.rows(project.project_id, few) if key in kept}


def _header(project: Project) -> list[str]:
    names = ["record"]
    if project.is_longitudinal:
        names.append("redcap_event_name")
    if project.is_repeating:
        names += ["redcap_repeat_instrument", "redcap_repeat_instance"]
    return [*names, "field_name", "value"]


def _lead(project: Project, key: RowKey) -> list[Cell]:
    lead: list[Cell] = [key.record]
    if project.is_longitudinal:
        lead.append(project.event_by_id[key.event_id].unique_name)
    if project.is_repeating:
        lead += [key.instrument, key.instance or ""]
    return lead


def _label(project: Project, name: str, *, value: str) -> str:
    return strip_tags(project.field_by_name[name].choices.get(value, value))
