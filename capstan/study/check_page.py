"""Checks what a study's page counts against the live project: events, logic and arms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capstan.project_names import Problem, Project, nearest

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.page import Consort


def check_page(study: Study, project: Project) -> Iterator[Problem]:
    """List what is wrong with `page`."""
    enrolment, consort = study.page.enrolment, study.page.consort
    logic = {"enrolled_when": enrolment.enrolled_when, "date": enrolment.date}
    yield from _check_logic(logic, event=enrolment.event, project=project, place="page.enrolment")
    yield from _check_logic(
        dict(_logic_of(consort)), event=consort.event, project=project, place="page.consort"
    )
    for number in consort.arms:
        if str(number) not in project.grid.arms:
            there = ", ".join(project.grid.arms) or "none"
            yield Problem(
                f"page.consort.arms.{number}", f"there is no arm {number}; the project's arms are: {there}."
            )


def _logic_of(consort: Consort) -> Iterator[tuple[str, str]]:
    for name in ("screened_when", "eligible_when", "randomized_when"):
        yield name, getattr(consort, name)
    for name in ("excluded", "not_randomized"):
        for position, reason in enumerate(getattr(consort, name)):
            yield f"{name}[{position}].when", reason.when


def _check_logic(logic: dict[str, str], *, event: str, project: Project, place: str) -> Iterator[Problem]:
    """The event is one of the project's, and each expression can be computed there."""
    names = project.grid.names
    if event and event not in names:
        yield Problem(f"{place}.event", f"there is no event {event!r}; {nearest(event, names)}.")
    events = (event,) if event in names else ()
    for name, text in logic.items():
        if text:
            yield from project.check_logic(text, place=f"{place}.{name}", events=events)
