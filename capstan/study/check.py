"""Checks a study file against the live project: every name exists and is designated where it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capstan.arms import arm_of
from capstan.dictionary import Dictionary
from capstan.eligibility import EligibilityStatus
from capstan.errors import StudyError
from capstan.events import EventGrid
from capstan.periods import Period
from capstan.project_names import Problem, Project, Target, nearest
from capstan.study.check_contact import check_contact
from capstan.study.check_expect import check_expect
from capstan.study.check_messages import check_messages
from capstan.study.check_monitors import check_monitors
from capstan.study.check_page import check_page
from capstan.study.check_quality import check_quality
from capstan.study.check_queries import check_queries
from capstan.study.check_sessions import check_sessions
from capstan.study.check_triggers import check_triggers
from capstan.study.targets import check_target
from capstan.visits import VisitStatus
from capstan.visits.writes import NO_VISIT
from capstan.workdays import days_off

if TYPE_CHECKING:
    from capstan.study import CheckRule, Study, Visit


def check_study(study: Study, dictionary: Dictionary, *, grid: EventGrid) -> list[Problem]:
    """List what is wrong with the names and rules of a study file; empty when nothing is."""
    project = Project(dictionary, grid)
    return [
        *_check_arms(study, project),
        *_check_visits(study, project),
        *_check_tracking(study, project),
        *_check_eligibility(study, project),
        *_check_writes(study, project),
        *_check_checks(study, project),
        *_check_holidays(study),
        *check_messages(study, project),
        *check_contact(study, project),
        *check_triggers(study, project),
        *check_monitors(study, project),
        *check_sessions(study, project),
        *check_quality(study, project),
        *check_expect(study, project),
        *check_queries(study, project),
        *check_page(study, project),
    ]


def _check_arms(study: Study, project: Project) -> Iterator[Problem]:
    for position, number in enumerate(study.arms.shared):
        yield from _check_arm(number, project=project, place=f"arms.shared[{position}]")
    assigned_by = study.arms.assigned_by
    if assigned_by is None:
        return
    place, name = "arms.assigned_by", assigned_by.event
    if name and name not in project.grid.names:
        yield Problem(f"{place}.event", f"there is no event {name!r}; {nearest(name, project.grid.names)}.")
    events = (name,) if name in project.grid.names else ()
    yield from project.check_field(assigned_by.field, place=f"{place}.field", events=events)
    for code, number in assigned_by.arms.items():
        yield from _check_arm(number, project=project, place=f"{place}.arms.{code}")
    field = project.dictionary.by_name.get(assigned_by.field)
    codes = field.choices if field else {}
    for code in sorted(set(assigned_by.arms) - set(codes)) if codes else ():
        yield Problem(f"{place}.arms.{code}", f"the field {assigned_by.field} has no such code; remove it.")
    for code in codes:
        if not arm_of(code, assigned_by=assigned_by, events=project.layout.events):
            yield Problem(f"{place}.arms", f"the code {code} means no arm; add `{code}: NUMBER`.")


def _check_arm(number: int, *, project: Project, place: str) -> Iterator[Problem]:
    if str(number) not in project.grid.arms:
        there = ", ".join(project.grid.arms) or "none"
        yield Problem(place, f"there is no arm {number}; the project's arms are: {there}.")


def _check_visits(study: Study, project: Project) -> Iterator[Problem]:
    names = [visit.name for visit in study.visits]
    for position, visit in enumerate(study.visits):
        place = f"visits[{position}]"
        if visit.name in names[:position]:
            yield Problem(f"{place}.name", f"another visit is named {visit.name!r}; rename one.")
        yield from _check_visit(visit, study=study, project=project, place=place)
    yield from _check_double_writes(study, project)


def _check_visit(visit: Visit, *, study: Study, project: Project, place: str) -> Iterator[Problem]:
    events = project.events_of(visit.event)
    yield from project.check_event(visit.event, place=f"{place}.event")
    if len(events) > 1 and study.arms.assigned_by is None:
        yield Problem(f"{place}.event", f"{visit.event!r} is in {len(events)} arms; give arms.assigned_by.")
    yield from project.check_logic(visit.anchor, place=f"{place}.anchor", events=events)
    yield from project.check_logic(visit.done_when, place=f"{place}.done_when", events=events)
    if _length(visit.window[0]) > _length(visit.window[1]):
        yield Problem(f"{place}.window", "it ends before it begins; exchange the two periods.")
    if visit.took_place:
        yield from project.check_field(visit.took_place, place=f"{place}.took_place", events=events)
    for part, field in visit.write.model_dump().items():
        where = f"{place}.write.{part}"
        dates = Target(where, events, validations=("date_",))
        target = Target(where, events, words=tuple(VisitStatus)) if part == "status" else dates
        yield from check_target(field, target=target, study=study, project=project)


def _check_double_writes(study: Study, project: Project) -> Iterator[Problem]:
    """No two visits write one field on one event: the later would be lost."""
    first: dict[tuple[str, str], str] = {}
    for position, visit in enumerate(study.visits):
        for part, field in visit.write.model_dump().items():
            place = f"visits[{position}].write.{part}"
            for event in project.events_of(visit.event) if field else ():
                other = first.setdefault((event, field), place)
                if other != place:
                    yield Problem(place, f"{other} writes {field} on {event} too; name another field.")


def _check_tracking(study: Study, project: Project) -> Iterator[Problem]:
    tracking = study.tracking
    if not (tracking.pending_visit or tracking.last_timestamp):
        return
    yield from project.check_event(tracking.event, place="tracking.event")
    events = project.events_of(tracking.event)
    words = (*(visit.name for visit in study.visits), NO_VISIT)
    pending = Target("tracking.pending_visit", events, words=words)
    yield from check_target(tracking.pending_visit, target=pending, study=study, project=project)
    stamp = Target("tracking.last_timestamp", events, validations=("date_", "datetime_"))
    yield from check_target(tracking.last_timestamp, target=stamp, study=study, project=project)


def _check_eligibility(study: Study, project: Project) -> Iterator[Problem]:
    rules = study.eligibility
    if not rules.criteria:
        return
    events = (rules.event,) if rules.event in project.grid.names else ()
    if not events:
        advice = nearest(rules.event, project.grid.names)
        yield Problem("eligibility.event", f"there is no event {rules.event!r}; {advice}.")
    for position, criterion in enumerate(rules.criteria):
        place = f"eligibility.criteria[{position}].rule"
        yield from project.check_logic(criterion.rule, place=place, events=events)
    status = Target("eligibility.write.status", events, words=tuple(EligibilityStatus))
    yield from check_target(rules.write.status, target=status, study=study, project=project)
    reasons = Target("eligibility.write.reasons", events)
    yield from check_target(rules.write.reasons, target=reasons, study=study, project=project)


def _check_writes(study: Study, project: Project) -> Iterator[Problem]:
    known = {*project.dictionary.by_name, *project.dictionary.forms}
    for part, names in (("allow", study.writes.allow), ("protect", study.writes.protect)):
        for position, name in enumerate(names):
            if name not in known:
                text = f"there is no field or instrument {name!r}; {nearest(name, known)}."
                yield Problem(f"writes.{part}[{position}]", text)


def _check_checks(study: Study, project: Project) -> Iterator[Problem]:
    checks = study.checks
    for part in ("not_future", "unique", "same_person"):
        for position, name in enumerate(getattr(checks, part)):
            yield from project.check_field(name, place=f"checks.{part}[{position}]")
    for name in checks.sql_choices:
        yield from project.check_field(name, place=f"checks.sql_choices.{name}")
    for name in checks.not_before:
        yield from project.check_field(name, place=f"checks.not_before.{name}")
    for position, rule in enumerate(checks.rules):
        yield from _check_rule(rule, project=project, place=f"checks.rules[{position}]")


def _check_rule(rule: CheckRule, *, project: Project, place: str) -> Iterator[Problem]:
    for form in sorted(set(rule.forms) - set(project.dictionary.forms)):
        advice = nearest(form, project.dictionary.forms)
        yield Problem(f"{place}.forms", f"there is no instrument {form!r}; {advice}.")
    if rule.event:
        yield from project.check_event(rule.event, place=f"{place}.event")
    events = project.events_of(rule.event) if rule.event else ()
    yield from project.check_logic(rule.when, place=f"{place}.when", events=events)
    yield from project.check_logic(rule.expect, place=f"{place}.expect", events=events)


def _check_holidays(study: Study) -> Iterator[Problem]:
    try:
        days_off(study.holidays, first_year=2000, last_year=2000)
    except StudyError as error:
        place, _, text = str(error).partition(": ")
        yield Problem(place, text)


def _length(period: Period) -> float:
    return 365.25 * period.years + 30.44 * period.months + 7 * period.weeks + period.days
