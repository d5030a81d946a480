"""Controls for what project XML brings and no API method makes: surveys, reports, randomization."""

from __future__ import annotations

from typing import Any

from sandbox.by_hand import open_project
from sandbox.control.orders import Order
from sandbox.setup.allocation_table import load_allocations
from sandbox.setup.reports import Report, add_report, reports_of
from sandbox.setup.surveys import add_participant, enable_survey
from sandbox.state import State

MAX_TABLE = 1 << 24
MAX_LOGIC = 10_000


def make_survey(state: State, order: Order) -> Any:
    """Make an `instrument` a survey."""
    project = enable_survey(
        state.store, open_project(state, order.project_id), instrument=order.text("instrument")
    )
    return {"surveys": list(project.surveys)}


def invite_participant(state: State, order: Order) -> Any:
    """Add somebody to a survey by `email`, who has no record yet; answers their link and codes."""
    participant = add_participant(
        state.store,
        open_project(state, order.project_id),
        instrument=order.text("instrument"),
        email=order.text("email"),
        event=order.text("event"),
        identifier=order.text("identifier"),
        invited_at=order.text("invited_at"),
    )
    link = f"{state.base_url}surveys/?s={participant.link}"
    return {"survey_link": link, "survey_access_code": participant.access_code}


def list_reports(state: State, order: Order) -> Any:
    """List a project's reports by id, unique name and title."""
    return [_about(one) for one in reports_of(open_project(state, order.project_id))]


def make_report(state: State, order: Order) -> Any:
    """Make a report of `fields` (comma separated) where `logic` holds."""
    names = [name.strip() for name in order.text("fields", longest=MAX_LOGIC).split(",")]
    report = add_report(
        state.store,
        open_project(state, order.project_id),
        title=order.text("title"),
        fields=[name for name in names if name],
        logic=order.text("logic", longest=MAX_LOGIC),
    )
    return _about(report)


def load_table(state: State, order: Order) -> Any:
    """Load an allocation table (`csv`) as REDCap's template has it; a first one sets randomization up."""
    found = load_allocations(
        state.store,
        open_project(state, order.project_id),
        csv_text=order.text("csv", longest=MAX_TABLE),
        number=order.number("randomization_id", 0, low=0, high=1000),
    )
    return {"randomization_id": found.number, "target_field": found.target.field}


def _about(report: Report) -> dict[str, Any]:
    about = {"report_id": report.number, "unique_name": report.unique_name, "title": report.title}
    return {**about, "fields": list(report.fields)}
