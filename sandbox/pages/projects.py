"""Pages of projects: all of them, and one project's tokens and trigger."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from starlette.responses import Response

from sandbox.control import projects, triggers
from sandbox.control.orders import Order
from sandbox.errors import ApiError
from sandbox.pages.asked import Asked, go_to, page
from sandbox.people.rights import member_from
from sandbox.state import State
from sandbox.triggers import read_trigger

# Those that a person who tries a client wants to take away; the rest stay as they are.
RIGHTS = {
    "api_export": "API export",
    "api_import": "API import",
    "record_create": "create records",
    "record_rename": "rename records",
    "record_delete": "delete records",
    "data_access_groups": "data access groups",
    "user_rights": "user rights",
    "logging": "logging",
    "design": "project design",
}


def home(state: State, asked: Asked) -> Response:
    """List the projects."""
    store = state.store
    rows = [(one, len(store.values.record_names(one.project_id))) for one in store.projects.all()]
    return page("home.html", state, asked=asked, rows=rows)


def load(state: State, asked: Asked) -> Response:
    """Make a project from a file with project XML, or an empty one."""
    upload, title = asked.files.get("xml"), asked.text("title").strip()
    if upload is None and "from_file" in asked.form:
        raise ApiError("Choose a file with project XML first.")
    if upload is None and not title:
        raise ApiError("An empty project needs a title.")
    source = None if upload is None else BytesIO(upload.content)
    made = projects.load_project(state, Order(body={"title": title}, source=source))
    return _show_tokens(state, Asked(made["project_id"]), made=made)


def tokens(state: State, asked: Asked) -> Response:
    """List who may open the project, and offer to make a token."""
    return _show_tokens(state, asked, made=None)


def make_token(state: State, asked: Asked) -> Response:
    """Make a token; this page is the only one that ever shows it."""
    body = {
        "username": asked.text("username").strip(),
        "rights": {name: int(name in asked.form) for name in RIGHTS},
        "data_access_group": asked.text("data_access_group"),
    }
    made = projects.make_token(state, Order(asked.project_id, body))
    return _show_tokens(state, asked, made=made)


def set_status(state: State, asked: Asked) -> Response:
    """Move the project to production or back."""
    projects.set_status(state, Order(asked.project_id, {"status": asked.text("status")}))
    return go_to(f"project/{asked.project_id}/tokens", told="set")


def delete(state: State, asked: Asked) -> Response:
    """Delete the project, once its number was typed."""
    if asked.text("sure") != str(asked.project_id):
        raise ApiError("Type the project's number to delete it.")
    projects.delete_project(state, Order(asked.project_id))
    return go_to("", told="deleted")


def trigger(state: State, asked: Asked) -> Response:
    """Show where the project's data entry trigger goes, and its posts."""
    project = asked.project(state)
    posts = [one for one in reversed(state.delivery.history()) if one.post.project_id == project.project_id]
    found = read_trigger(state.store, project.project_id)
    return page(
        "trigger.html", state, asked=asked, project=project, trigger=found, posts=posts[:100], tab="trigger"
    )


def set_trigger(state: State, asked: Asked) -> Response:
    """Set the trigger's URL and whether it fires."""
    flags = {name: name in asked.form for name in ("is_on", "on_imports")}
    order = Order(asked.project_id, {"url": asked.text("url"), **flags})
    triggers.set_trigger(state, order)
    return go_to(f"project/{asked.project_id}/trigger", told="set")


def _show_tokens(state: State, asked: Asked, *, made: dict[str, Any] | None) -> Response:
    project = asked.project(state)
    members = state.store.people.members(project.project_id)
    people = [member_from(name, body) for name, body in members.items()]
    return page(
        "tokens.html",
        state,
        asked=asked,
        project=project,
        made=made,
        people=people,
        rights=RIGHTS,
        tab="tokens",
    )
