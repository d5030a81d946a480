"""Pages of what happened: a project's log, and the requests to the API."""

from __future__ import annotations

from starlette.responses import Response

from sandbox.control import server
from sandbox.control.orders import Order
from sandbox.pages.asked import Asked, go_to, page
from sandbox.pages.paging import cut
from sandbox.state import State

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


def log(state: State, asked: Asked) -> Response:
    """Show a project's log, newest first."""
    project = asked.project(state)
    kind, user, record = asked.text("kind"), asked.text("user").strip(), asked.text("record").strip()
    rows = [
        row
        for row in state.store.log.rows(project.project_id)
        if kind in ("", row.kind) and user in ("", row.username) and record in ("", row.record)
    ]
    part = cut(rows, asked.number("page"), per_page=PER_PAGE)
    return page(
        "log.html",
        state,
        asked=asked,
        project=project,
        part=part,
        kinds=KINDS,
        kind=kind,
        user=user,
        record=record,
        tab="log",
    )


def requests(state: State, asked: Asked) -> Response:
    """Show the requests to the API, newest first, without values or tokens."""
    part = cut(list(reversed(state.requests)), asked.number("page"), per_page=PER_PAGE)
    return page("requests.html", state, asked=asked, part=part, tab="requests")


def clear_requests(state: State, _: Asked) -> Response:
    """Forget the list of requests."""
    server.clear_requests(state, Order())
    return go_to("made", told="deleted")
