"""Checks the rules for triggers against the project: names exist, and are where a rule looks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capstan.dictionary import STATUS_CHOICES, FieldType
from capstan.project_names import Problem, Project, nearest

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.triggers import TriggerRule

_FIELDS = ("session_id", "date", "comment", "user", "completed_field")


def check_triggers(study: Study, project: Project) -> Iterator[Problem]:
    """Each rule's instrument, events, fields and codes are the project's, and what it starts can run."""
    for position, rule in enumerate(study.triggers):
        place = f"triggers[{position}]"
        if rule.instrument not in project.dictionary.forms:
            advice = nearest(rule.instrument, project.dictionary.forms)
            yield Problem(f"{place}.instrument", f"there is no instrument {rule.instrument!r}; {advice}.")
            continue
        yield from _check_events(rule, project=project, place=place)
        yield from _check_fields(rule, project=project, place=place)
        yield from _check_codes(rule, project=project, place=place)
        yield from _check_start(rule, study=study, place=place)
        yield from _check_monitor(rule, study=study, place=place)


def _check_events(rule: TriggerRule, *, project: Project, place: str) -> Iterator[Problem]:
    for name in rule.events:
        yield from project.check_event(name, place=f"{place}.events")
        events = project.events_of(name)
        if events and not any((event, rule.instrument) in project.grid.designated for event in events):
            text = f"{rule.instrument} is not designated for {name}; designate it there in REDCap."
            yield Problem(f"{place}.events", text)


def _check_fields(rule: TriggerRule, *, project: Project, place: str) -> Iterator[Problem]:
    events = _events(rule, project=project)
    repeats = any((event, rule.instrument) in project.grid.repeating for event in events)
    for part in _FIELDS:
        name = getattr(rule, part)
        field = project.dictionary.by_name.get(name)
        if not name:
            continue
        if field and field.type is FieldType.CHECKBOX:
            yield Problem(f"{place}.{part}", f"the field {name} is a checkbox; name one of another type.")
        elif field and (repeats or part == "completed_field") and field.form != rule.instrument:
            names = project.dictionary.columns_of([rule.instrument])
            text = f"{rule.instrument} has no field {name!r}; {nearest(name, names)}."
            yield Problem(f"{place}.{part}", text)
        else:
            yield from project.check_field(name, place=f"{place}.{part}", events=events)


def _check_codes(rule: TriggerRule, *, project: Project, place: str) -> Iterator[Problem]:
    field = project.dictionary.by_name.get(rule.completion)
    codes = field.choices if field else STATUS_CHOICES
    for code in sorted(set(rule.completed) - set(codes)) if codes else ():
        text = f"the field {rule.completion} has no code {code}; it has {', '.join(codes)}."
        yield Problem(f"{place}.completed", text)


def _check_start(rule: TriggerRule, *, study: Study, place: str) -> Iterator[Problem]:
    if rule.starts == "compute_visit_dates" and not study.visits:
        yield Problem(f"{place}.starts", "the study has no visits to compute; add visits.")
    if rule.starts == "check_eligibility" and not study.eligibility.criteria:
        yield Problem(f"{place}.starts", "the study has no criteria to judge; add eligibility.criteria.")


def _check_monitor(rule: TriggerRule, *, study: Study, place: str) -> Iterator[Problem]:
    known = {monitor.id for monitor in study.monitors}
    if rule.expects and rule.expects not in known:
        text = f"there is no monitor {rule.expects!r}; {nearest(rule.expects, known)}."
        yield Problem(f"{place}.expects", text)


def _events(rule: TriggerRule, *, project: Project) -> tuple[str, ...]:
    """The events on which the rule can hold."""
    named = {event for name in rule.events for event in project.events_of(name)}
    designated = [event for event, form in project.grid.designated if form == rule.instrument]
    return tuple(sorted(event for event in designated if event in named or not rule.events))
