"""What a participant sees: a survey by its link, and the queue of a record's surveys (B.18)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from sandbox.by_hand import open_project
from sandbox.errors import ApiError
from sandbox.imports.responses import (
    COMPLETE,
    SurveyPlace,
    complete,
    place_of,
    read_stamp,
    response_status,
    start,
)
from sandbox.imports.saving import FormRefused
from sandbox.pages.asked import Asked, page
from sandbox.pages.entry import PREFIX, Entry, Values, changed, typed_values
from sandbox.pages.notices import messages
from sandbox.pages.questions import blocks
from sandbox.project.model import Project
from sandbox.state import State
from sandbox.storage.rows import load_rows
from sandbox.storage.surveys import Participant
from sandbox.triggers import SURVEY_RESPONDENT

_NO_SURVEY = ApiError("This link leads to no survey.", 404)


@dataclass(frozen=True)
class Invited:
    """A participant's place in a project, and what the record holds there."""

    survey: SurveyPlace
    entry: Entry
    stamp: str

    @property
    def is_complete(self) -> bool:
        return response_status(self.stamp) == COMPLETE


def show(state: State, asked: Asked) -> Response:
    """Show a survey, or a queue where the address has `sq`."""
    if asked.query.get("sq"):
        return _show_queue(state, asked)
    return _show_survey(state, asked, invited=_invited(state, asked))


def answer(state: State, asked: Asked) -> Response:
    """Take a page of answers: the response is complete then, or partial when it is to be continued.

    Raises `FormRefused` for answers that cannot be stored.
    """
    invited = _invited(state, asked)
    entry = invited.entry
    given = typed_values(entry, asked.form)
    is_partial = asked.text("then") == "later"
    session = state.session(entry.project, SURVEY_RESPONDENT)
    save = start if is_partial else complete
    done = save(session, invited.survey, values=changed(entry, given))
    state.prepare_trigger(session, done.form_place(entry.project))
    return _thank(state, asked, invited=invited, is_partial=is_partial)


def show_refused(state: State, asked: Asked, *, refused: FormRefused) -> Response:
    """Show a survey again with what was answered, and why it was refused."""
    invited = _invited(state, asked)
    given, errors = typed_values(invited.entry, asked.form), messages(invited.entry.project, refused)
    return _show_survey(state, asked, invited=invited, values=given, errors=errors)


def _invited(state: State, asked: Asked) -> Invited:
    survey = place_of(state.store, asked.query.get("s", ""))
    if survey is None:
        raise _NO_SURVEY
    project = open_project(state, survey.project_id)
    place = survey.form_place(project)
    rows = load_rows(state.store, project, records=[survey.record] if survey.record else [])
    entry = Entry(project, place, rows.get(place.key(project), {}), is_new=not rows, is_locked=False)
    stamp = read_stamp(state.store, project, place=survey) if survey.record else ""
    return Invited(survey, entry, stamp)


def _show_survey(
    state: State,
    asked: Asked,
    *,
    invited: Invited,
    values: Values | None = None,
    errors: Values | None = None,
) -> Response:
    entry = invited.entry
    if invited.is_complete:
        return _thank(state, asked, invited=invited, is_partial=False)
    shown = {**entry.values, **(values or {})}
    form = entry.place.form
    return page(
        "survey.html",
        state,
        asked=asked,
        status=400 if errors else 200,
        label=_label(entry.project, form),
        blocks=blocks(entry.project, form, values=shown, errors=errors or {}, has_status=False),
        errors=errors or {},
        prefix=PREFIX,
        is_survey=True,
        files={},
        project=entry.project,
        here={},
        link_hash=asked.query.get("s", ""),
    )


def _thank(state: State, asked: Asked, *, invited: Invited, is_partial: bool) -> Response:
    label = _label(invited.entry.project, invited.entry.place.form)
    return page("survey_done.html", state, asked=asked, label=label, is_partial=is_partial)


def _show_queue(state: State, asked: Asked) -> Response:
    found = state.store.surveys.by_queue_link(asked.query["sq"])
    if found is None:
        raise _NO_SURVEY
    project = open_project(state, found[0])
    people = _participants(state, project, record=found[1])
    rows = [(_label(project, one.instrument), one.link, _is_done(state, project, one=one)) for one in people]
    return page("survey_queue.html", state, asked=asked, rows=rows)


def _participants(state: State, project: Project, *, record: str) -> list[Participant]:
    return [
        state.store.surveys.of_record(
            project.project_id, event.event_id, instrument=form, record=record, instance=1
        )
        for event in project.ordered_events
        for form in project.surveys
        if project.is_designated(event.event_id, form)
    ]


def _is_done(state: State, project: Project, *, one: Participant) -> bool:
    place = place_of(state.store, one.link)
    return place is not None and response_status(read_stamp(state.store, project, place=place)) == COMPLETE


def _label(project: Project, form: str) -> str:
    return next(one.label for one in project.forms if one.name == form)
