"""Which instruments are surveys, and who is invited to them (B.18)."""

from __future__ import annotations

from dataclasses import replace

from sandbox.errors import ApiError
from sandbox.project.model import Project
from sandbox.setup.extra_xml import elements, with_element
from sandbox.storage import Store
from sandbox.storage.surveys import Participant


def enable_survey(store: Store, project: Project, *, instrument: str) -> Project:
    """Make an instrument a survey."""
    if instrument not in project.form_order:
        raise ApiError(f'The project has no instrument "{instrument}".')
    if instrument in project.surveys:
        return project
    labels = {form.name: form.label for form in project.forms}
    attributes = {"form_name": instrument, "title": labels[instrument], "survey_enabled": "1"}
    project = with_element(project, "Surveys", attributes=attributes)
    settings = {**project.settings, "SurveysEnabled": "1"}
    project = replace(project, surveys=(*project.surveys, instrument), settings=settings)
    store.projects.save(project)
    return project


def add_participant(
    store: Store,
    project: Project,
    *,
    instrument: str,
    email: str,
    event: str = "",
    identifier: str = "",
    invited_at: str = "",
) -> Participant:
    """Add somebody by email who has no record yet; the event may be left out for the first."""
    found = project.event_by_name.get(event) if event else next(iter(project.ordered_events), None)
    if instrument not in project.surveys or found is None:
        raise ApiError("The project has no such survey or event.")
    return store.surveys.invite(
        project.project_id,
        found.event_id,
        instrument=instrument,
        email=email,
        identifier=identifier,
        invited_at=invited_at,
    )


def email_field(project: Project, instrument: str) -> str:
    """Return the field that holds participants' addresses: the survey's own, the project's, or ''."""
    surveys = {one.get("form_name"): one for one in elements(project, "Surveys")}
    own = surveys.get(instrument, {}).get("email_participant_field")
    name = own or project.settings.get("SurveyInvitationEmailField", "")
    return name if name in project.field_by_name else ""
