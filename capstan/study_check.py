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
from capstan.project_names import Problem, Project, nearest
from capstan.visit_writes import NO_VISIT
from capstan.visits import VisitStatus
from capstan.workdays import days_off

if TYPE_CHECKING:
    from capstan.study import Study, Visit


def check_study(study: Study, dictionary: Dictionary, *, grid: EventGrid) -> list[Problem]:
    """List what is wrong with the names and rules of a study file; empty when nothing is."""
    project = Project(dictionary, grid)
    return [
        *_check_arms(study, project),
        *_check_visits(study, project),
        *_check_tracking(study, project),
        *_check_eligibility(study, project),
        *_check_writes(study, project),
        *_check_holidays(study),
    ]


def _check_arms(study: Study, project: Project) -> Iterator[Problem]:
    known = project.grid.arms
    for position, number in enumerate(study.arms.shared):
        if str(number) not in known:
            yield Problem(f"arms.shared[{position}]", f"there is no arm {number}; {_arms_there(known)}.")
    assigned_by = study.arms.assigned_by
    if assigned_by is None:
        return
    place = "arms.assigned_by"
    events = project.events_of(assigned_by.event) if assigned_by.event else ()
    if assigned_by.event and assigned_by.event not in project.grid.names:
        advice = nearest(assigned_by.event, project.grid.names)
        yield Problem(f"{place}.event", f"there is no event {assigned_by.event!r}; {advice}.")
    yield from project.check_field(assigned_by.field, place=f"{place}.field", events=events)
    field = project.dictionary.by_name.get(assigned_by.field)
    codes = field.choices if field else {}
    for code, number in assigned_by.arms.items():
        if str(number) not in known:
            yield Problem(f"{place}.arms.{code}", f"there is no arm {number}; {_arms_there(known)}.")
        if codes and code not in codes:
            yield Problem(
                f"{place}.arms.{code}", f"the field {assigned_by.field} has no such code; remove it."
            )
    for code in codes:
        if not arm_of(code, assigned_by=assigned_by, events=project.layout.events):
            yield Problem(f"{place}.arms", f"the code {code} means no arm; add `{code}: NUMBER`.")


def _arms_there(known: object) -> str:
    return f"the project has {', '.join(known)}" if isinstance(known, dict) and known else "it has none"


def _check_visits(study: Study, project: Project) -> Iterator[Problem]:
    written: dict[tuple[str, str], str] = {}
    names: set[str] = set()
    for position, visit in enumerate(study.visits):
        place = f"visits[{position}]"
        if visit.name in names:
            yield Problem(f"{place}.name", f"another visit is named {visit.name!r}; rename one.")
        names.add(visit.name)
        yield from _check_visit(visit, study=study, project=project, place=place)
        for part, field in visit.write.model_dump().items():
            for event in project.events_of(visit.event) if field else ():
                first = written.setdefault((event, field), place)
                if first != place:
                    yield Problem(
                        f"{place}.write.{part}", f"{first} writes {field} on {event} too; name another."
                    )


def _check_visit(visit: Visit, *, study: Study, project: Project, place: str) -> Iterator[Problem]:
    events = project.events_of(visit.event)
    yield from project.check_event(visit.event, place=f"{place}.event")
    if len(events) > 1 and study.arms.assigned_by is None:
        yield Problem(f"{place}.event", f"{visit.event!r} is in {len(events)} arms; give arms.assigned_by.")
    yield from project.check_logic(visit.anchor, place=f"{place}.anchor", events=events)
    yield from project.check_logic(visit.done_when, place=f"{place}.done_when", events=events)
    if _length(visit.window[0]) > _length(visit.window[1]):
        yield Problem(f"{place}.window", "it ends before it begins; exchange the two periods.")
    words = [status.value for status in VisitStatus]
    for part, field in visit.write.model_dump().items():
        kind = {"words": words} if part == "status" else {"validation": "date_"}
        if field:
            yield from _check_target(
                study, project, field, place=f"{place}.write.{part}", events=events, **kind
            )


def _check_tracking(study: Study, project: Project) -> Iterator[Problem]:
    tracking = study.tracking
    if not (tracking.pending_visit or tracking.last_timestamp):
        return
    events = project.events_of(tracking.event)
    yield from project.check_event(tracking.event, place="tracking.event")
    words = [*(visit.name for visit in study.visits), NO_VISIT]
    if tracking.pending_visit:
        place = "tracking.pending_visit"
        yield from _check_target(
            study, project, tracking.pending_visit, place=place, events=events, words=words
        )
    if tracking.last_timestamp:
        place, kind = "tracking.last_timestamp", "date_|datetime_"
        yield from _check_target(
            study, project, tracking.last_timestamp, place=place, events=events, validation=kind
        )


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
    for part, field in rules.write.model_dump().items():
        words = [status.value for status in EligibilityStatus] if part == "status" else []
        if field:
            place = f"eligibility.write.{part}"
            yield from _check_target(study, project, field, place=place, events=events, words=words)


def _check_writes(study: Study, project: Project) -> Iterator[Problem]:
    known = {*project.dictionary.by_name, *project.dictionary.forms}
    for part, names in (("allow", study.writes.allow), ("protect", study.writes.protect)):
        for position, name in enumerate(names):
            if name not in known:
                text = f"there is no field or instrument {name!r}; {nearest(name, known)}."
                yield Problem(f"writes.{part}[{position}]", text)
    for position, name in enumerate(study.checks.not_future):
        yield from project.check_field(name, place=f"checks.not_future[{position}]")


def _check_holidays(study: Study) -> Iterator[Problem]:
    try:
        days_off(study.holidays, first_year=2000, last_year=2000)
    except StudyError as error:
        place, _, text = str(error).partition(": ")
        yield Problem(place, text)


def _check_target(
    study: Study,
    project: Project,
    field: str,
    *,
    place: str,
    events: tuple[str, ...],
    words: list[str] | None = None,
    validation: str = "",
) -> Iterator[Problem]:
    """The field can be written there, and `writes` lets runs do so."""
    yield from project.check_target(
        field, place=place, events=events, words=words or (), validation=validation
    )
    found = project.dictionary.by_name.get(field)
    if found is None:
        return
    if {field, found.form} & set(study.writes.protect):
        yield Problem(place, f"the field {field} is protected; take it out of writes.protect.")
    elif not {field, found.form} & set(study.writes.allow):
        yield Problem(place, f"runs may not write {field}; add {found.form} to writes.allow.")


def _length(period: Period) -> float:
    return 365.25 * period.years + 30.44 * period.months + 7 * period.weeks + period.days
