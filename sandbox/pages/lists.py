"""Pages of what happened: a project's log, and the requests to the API."""

from __future__ import annotations

from starlette.responses import Response

from sandbox.control import server
from sandbox.control.orders import Order
from sandbox.pages.asked import Asked, go_to, page
from sandbox.pages.paging import part_of
from sandbox.state import State
from sandbox.storage.log import LogFilter

PER_PAGE = 100
KINDS = {
    "": "everything",
    "record_add": "records created",
    "record_edit": "records updated",
    "record_delete": "records deleted",
    "lock_record": "locks",
    "export": "exports",
    "manage": "design and management",
    "user": "users and roles",
}


def log_page(state: State, asked: Asked) -> Response:
    """Show a project's log, newest first."""
    project = asked.project(state)
    kind, user, record = asked.text("kind"), asked.text("user").strip(), asked.text("record").strip()
    log, wanted = state.store.log, LogFilter(kind, user, record)
    part = part_of(log.count(project.project_id, wanted), asked.number("page"), per_page=PER_PAGE)
    rows = log.rows(project.project_id, wanted, start=part.start, most=PER_PAGE)
    return page(
        "log.html",
        state,
        asked=asked,
        project=project,
        part=part,
        rows=rows,
        kinds=KINDS,
        kind=kind,
        user=user,
        record=record,
        tab="log",
    )


def requests(state: State, asked: Asked) -> Response:
    """Show the requests to the API, newest first, without values or tokens."""
    made = list(reversed(state.requests))
    part = part_of(len(made), asked.number("page"), per_page=PER_PAGE)
    return page("requests.html", state, asked=asked, part=part, rows=part.of(made), tab="requests")


def clear_requests(state: State, _: Asked) -> Response:
    """Forget the list of requests."""
    server.clear_requests(state, Order())
    return go_to("made", told="deleted")
