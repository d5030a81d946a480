"""Checks the rules of quality of a study file: their logic can be read, and names what the project has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capstan.project_names import Problem, Project, nearest
from capstan.study.quality_rules import CUSTOM

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.quality_rules import Acceptance, QualityRule


def check_quality(study: Study, project: Project) -> Iterator[Problem]:
    """Each custom rule can be computed and has an id of its own; what is accepted is there."""
    rules = study.quality.rules
    ids = [rule.id for rule in rules]
    for position, rule in enumerate(rules):
        place = f"quality.rules[{position}]"
        if rule.id in ids[:position]:
            yield Problem(f"{place}.id", f"another rule has the id {rule.id!r}; rename one.")
        yield from _check_rule(rule, project=project, place=place)
    for position, accepted in enumerate(study.quality.exceptions):
        place = f"quality.exceptions[{position}]"
        yield from _check_acceptance(accepted, ids=ids, project=project, place=place)


def _check_rule(rule: QualityRule, *, project: Project, place: str) -> Iterator[Problem]:
    events = project.events_of(rule.event) if rule.event else ()
    if rule.event and not project.grid.is_longitudinal:
        yield Problem(f"{place}.event", "the project has no events; remove the line.")
    elif rule.event:
        yield from project.check_event(rule.event, place=f"{place}.event")
    yield from project.check_logic(rule.finds, place=f"{place}.finds", events=events)
    if rule.field:
        yield from project.check_field(rule.field, place=f"{place}.field", events=events)


def _check_acceptance(
    accepted: Acceptance, *, ids: list[str], project: Project, place: str
) -> Iterator[Problem]:
    if accepted.field:
        yield from project.check_field(accepted.field, place=f"{place}.field")
    own = accepted.check.removeprefix(CUSTOM)
    if accepted.check.startswith(CUSTOM) and own not in ids:
        yield Problem(f"{place}.check", f"there is no rule {own!r} in quality.rules; {nearest(own, ids)}.")
