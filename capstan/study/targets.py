"""Whether runs may write where a study file lets them write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capstan.project_names import Problem, Project, Target

if TYPE_CHECKING:
    from capstan.study import Study


def check_target(name: str, *, target: Target, study: Study, project: Project) -> Iterator[Problem]:
    """The field, if one is named, can be written there, and `writes` lets runs do so."""
    if name:
        yield from project.check_target(name, target=target)
        yield from check_writable(name, place=target.place, study=study, project=project)


def check_writable(name: str, *, place: str, study: Study, project: Project) -> Iterator[Problem]:
    """The study's `writes` let runs write a field; one that the project lacks is another's complaint."""
    field = project.dictionary.by_name.get(name)
    if field is None:
        return
    allow, protect = set(study.writes.allow), set(study.writes.protect)
    is_readonly = "@READONLY" in field.action_tags
    if {name, field.form} & protect:
        yield Problem(place, f"the field {name} is protected; take it out of writes.protect.")
    elif name not in allow and (is_readonly or field.form not in allow):
        add = name if is_readonly else field.form
        yield Problem(place, f"runs may not write the field {name}; add {add} to writes.allow.")
