"""How a project randomizes, as project XML keeps it (E.2, B.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sandbox.errors import ApiError
from sandbox.project.model import Project
from sandbox.setup.extra_xml import elements, with_element
from sandbox.storage import Store

GROUP = "redcap_data_access_group"
_MAX_STRATA = 15
_EVENT_PREFIX = "Event."


class Source(NamedTuple):
    """A field whose value counts for the stratum, and where it is."""

    field: str
    event_id: int


@dataclass(frozen=True)
class Randomization:
    """One set-up; `number` is its id, counted from 1 in the order of the project's list.

    The attributes in project XML were not recorded; these are REDCap's names for its settings (J.1).
    """

    number: int
    target: Source
    strata: tuple[Source, ...]
    by_group: bool

    def is_concealed(self, project: Project) -> bool:
        """Tell whether the target is a text that gets a number, so that the group stays unknown."""
        return not project.field_by_name[self.target.field].choices


def randomizations_of(project: Project) -> list[Randomization]:
    """Return the project's set-ups whose fields it still has."""
    found = (_read(project, number, set_up=one) for number, one in enumerate(_set_ups(project), start=1))
    return [one for one in found if one is not None]


def find_randomization(project: Project, text: str) -> Randomization:
    """Return a set-up by its id; raises `ApiError` when there is none."""
    for one in randomizations_of(project):
        if str(one.number) == text:
            return one
    # This text was not recorded (J.1).
    raise ApiError('The value of the parameter "randomization_id" is not valid')


def randomized_records(store: Store, project: Project) -> dict[Source, set[str]]:
    """Return by target field the records that were randomized: their value may not be changed any more."""
    return {
        one.target: store.allocations.records(project.project_id, one.number)
        for one in randomizations_of(project)
    }


def with_set_up(project: Project, header: Sequence[str]) -> Project:
    """Return the project with the set-up that a header describes: the target field, then strata."""
    fields = [name for name in header if name in project.field_by_name]
    if not fields:
        raise ApiError("The first row of an allocation table names the target field and the strata.")
    target, *strata = (_source(project, name, event="") for name in fields)
    if target is None:
        raise ApiError("The target field is on no form that is filled in.")
    names = {one.event_id: one.unique_name for one in project.events}
    attributes = {
        "stratified": str(int(bool(strata))),
        "group_by": "DAG" if GROUP in header else "",
        "target_field": target.field,
        "target_event": names[target.event_id],
    }
    for index, source in enumerate(strata[:_MAX_STRATA], start=1):
        if source is not None:
            attributes[f"source_field{index}"] = source.field
            attributes[f"source_event{index}"] = names[source.event_id]
    settings = {**project.settings, "RandomizationEnabled": "1"}
    return replace(with_element(project, "Randomization", attributes=attributes), settings=settings)


def _set_ups(project: Project) -> list[dict[str, str]]:
    return elements(project, "Randomization")


def _read(project: Project, number: int, *, set_up: Mapping[str, str]) -> Randomization | None:
    target = _source(project, set_up.get("target_field", ""), event=set_up.get("target_event", ""))
    pairs = (
        (set_up.get(f"source_field{n}", ""), set_up.get(f"source_event{n}", ""))
        for n in range(1, _MAX_STRATA + 1)
    )
    strata = [_source(project, field, event=event) for field, event in pairs if field]
    if target is None or None in strata:
        return None
    kept = tuple(source for source in strata if source is not None)
    return Randomization(number, target, kept, by_group=set_up.get("group_by") == "DAG")


def _source(project: Project, field: str, *, event: str) -> Source | None:
    known = project.field_by_name.get(field)
    if known is None:
        return None
    found = project.event_by_name.get(event.removeprefix(_EVENT_PREFIX))
    designated = (
        one for one in project.ordered_events if project.is_designated(one.event_id, known.form_name)
    )
    found = found or next(designated, None)
    return None if found is None else Source(field, found.event_id)
