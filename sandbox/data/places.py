"""Where a form of a record is: record, event, form, instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sandbox.errors import ApiError, unknown_events
from sandbox.project.model import Project
from sandbox.project.names import name_problem
from sandbox.project.parts import Event, RowKey
from sandbox.storage.values import split_item

# As many digits as imports and project XML take.
MAX_INSTANCE = 999_999_999


@dataclass(frozen=True)
class Place:
    """One form of one record; `instance` counts only where the form or its event repeats."""

    record: str
    event: Event
    form: str
    instance: int = 1

    def key(self, project: Project) -> RowKey:
        """Return the row that holds the form's values."""
        pairs, event_id = project.repeating, self.event.event_id
        if (event_id, self.form) in pairs:
            return RowKey(self.record, event_id, self.form, self.instance)
        return RowKey(self.record, event_id, "", self.instance if (event_id, "") in pairs else 0)


def find_place(project: Project, record: str, *, form: str, event: str = "", instance: int = 1) -> Place:
    """Find a form of a record by names; the event may be left out where there is one to begin with.

    Raises `ApiError` for a place that the project does not have.
    """
    record = record.strip()
    problem = name_problem(record)
    if problem:
        raise ApiError(problem)
    found = project.event_by_name.get(event) if event else next(iter(project.ordered_events), None)
    if found is None:
        raise unknown_events([event])
    if form not in project.form_order or not project.is_designated(found.event_id, form):
        raise ApiError(f"The form '{form}' is not designated for the event '{found.unique_name}'.", 404)
    if not 1 <= instance <= MAX_INSTANCE:
        raise ApiError(f"An instance is a whole number from 1 to {MAX_INSTANCE}.")
    return Place(record, found, form, instance)


def changed_places(project: Project, changed: Mapping[RowKey, Mapping[str, str]]) -> Iterator[Place]:
    """Yield the forms in which values changed; a record's id is on all of them and counts for none."""
    for key, cells in changed.items():
        names = {split_item(name)[0] for name in cells} - {project.id_field}
        for form in sorted({project.field_by_name[name].form_name for name in names}):
            yield Place(key.record, project.event_by_id[key.event_id], form, key.instance or 1)
