"""Responses to surveys: where a link leads, and what answering does to a record (B.18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sandbox.data.places import Place
from sandbox.errors import ApiError
from sandbox.imports.saving import save_form
from sandbox.project.model import Project
from sandbox.project.names import next_number
from sandbox.session import Session
from sandbox.storage import Store
from sandbox.storage.surveys import Participant

NOT_COMPLETED = "[not completed]"
IDENTIFIER = "redcap_survey_identifier"
# Response statuses as the participant list has them.
NO_RESPONSE, PARTIAL, COMPLETE = 0, 1, 2


@dataclass(frozen=True)
class SurveyPlace:
    """Where a survey's answers go; `record` is '' until a participant without one answers."""

    participant_id: int
    project_id: int
    record: str
    event_id: int
    instrument: str
    instance: int
    identifier: str = ""

    def form_place(self, project: Project) -> Place:
        return Place(self.record, project.event_by_id[self.event_id], self.instrument, self.instance)


def place_of(store: Store, link: str) -> SurveyPlace | None:
    """Return where a link's hash leads, or None for a hash that was never given out or leads nowhere now."""
    found = store.surveys.by_link(link)
    project = None if found is None else store.projects.get(found.project_id)
    if found is None or project is None:
        return None
    is_there = found.instrument in project.surveys and found.event_id in project.event_by_id
    return _place(found) if is_there else None


def start(session: Session, place: SurveyPlace, *, values: Mapping[str, str] | None = None) -> SurveyPlace:
    """Save a page of answers by column: the response is partial then; a new participant gets a record.

    Raises `sandbox.imports.saving.FormRefused` for answers that cannot be stored.
    """
    return _save(session, place, answers={**(values or {}), f"{place.instrument}_complete": "0"})


def complete(session: Session, place: SurveyPlace, *, values: Mapping[str, str] | None = None) -> SurveyPlace:
    """Save the last answers and complete the response at the session's time."""
    return _save(session, place, answers={**(values or {}), f"{place.instrument}_complete": "2"})


def response_status(stamp: str) -> int:
    """Return 0, 1 or 2 for what a survey's timestamp says."""
    if not stamp:
        return NO_RESPONSE
    return PARTIAL if stamp == NOT_COMPLETED else COMPLETE


def read_stamp(store: Store, project: Project, *, place: SurveyPlace) -> str:
    """Return the timestamp of a response; '' when nobody answered yet."""
    key = place.form_place(project).key(project)
    found = dict(store.values.surveys(project.project_id, [place.record]))
    return found.get(key, {}).get(f"{place.instrument}_timestamp", "")


def _place(one: Participant) -> SurveyPlace:
    return SurveyPlace(
        one.participant_id,
        one.project_id,
        one.record,
        one.event_id,
        one.instrument,
        one.instance,
        identifier=one.identifier,
    )


def _save(session: Session, place: SurveyPlace, *, answers: dict[str, str]) -> SurveyPlace:
    store, project = session.store, session.project
    if not place.record:
        place = replace(place, record=str(next_number(store.values.record_names(project.project_id))))
    elif response_status(read_stamp(store, project, place=place)) == COMPLETE:
        raise ApiError("This survey was completed already.")
    save_form(session, place.form_place(project), values=answers)
    # Not before: refused answers make no record.
    store.surveys.join(place.participant_id, place.record)
    is_complete = answers[f"{place.instrument}_complete"] == "2"
    stamp = session.stamp if is_complete else NOT_COMPLETED
    key = place.form_place(project).key(project)
    found = {(key, f"{place.instrument}_timestamp"): stamp}
    if place.identifier:
        found[key, IDENTIFIER] = place.identifier
    store.values.set_surveys(project.project_id, found)
    return place
