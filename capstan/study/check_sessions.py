"""Checks what a study file says of sessions: ids are explained, and one rule alone reads them from a form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capstan.dictionary import FieldType
from capstan.project_names import Problem, Project

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.triggers import TriggerRule

_TEXT = frozenset({FieldType.TEXT, FieldType.NOTES, FieldType.CALC, FieldType.SQL})


def check_sessions(study: Study, project: Project) -> Iterator[Problem]:
    """The rules that tell of sessions fit the part `sessions`, each other, and the fields that they read."""
    telling = [(f"triggers[{at}]", rule) for at, rule in enumerate(study.triggers) if rule.session_id]
    for position, (place, rule) in enumerate(telling):
        if study.sessions is None:
            yield Problem(f"{place}.session_id", "nothing says how session ids are written; add sessions.")
        for other, first in telling[:position]:
            if first.instrument == rule.instrument and _share_events(first, rule, project=project):
                yield Problem(f"{place}.session_id", f"{other} reads session ids of this form; keep one.")
        field = project.dictionary.by_name.get(rule.session_id)
        if field and field.type not in _TEXT:
            text = f"the field {rule.session_id} is of choices; name the text field with the session id."
            yield Problem(f"{place}.session_id", text)
    yield from _check_lone_fields(study)


def _check_lone_fields(study: Study) -> Iterator[Problem]:
    for position, rule in enumerate(study.triggers):
        for part in ("date", "comment", "user"):
            if getattr(rule, part) and not rule.session_id:
                text = f"it belongs to a session; add session_id, or remove {part}."
                yield Problem(f"triggers[{position}].{part}", text)


def _share_events(one: TriggerRule, other: TriggerRule, *, project: Project) -> bool:
    first, second = (
        {event for name in rule.events for event in project.events_of(name)} for rule in (one, other)
    )
    return not first or not second or bool(first & second)
