"""The control API under /_sandbox/: what a test or a teacher does to the sandbox itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.call import Call
from sandbox.creation import OWNER, add_token, create_project
from sandbox.edits import Cell, edit_cell
from sandbox.errors import ApiError
from sandbox.faults import Fault, Kind
from sandbox.model import Project
from sandbox.pages import home
from sandbox.rights import Member, member_from
from sandbox.session import Session, read_version
from sandbox.state import State


@dataclass(frozen=True)
class Order:
    """What a control request says: the project in its path, and its JSON body."""

    project_id: int
    body: dict[str, Any]


Work = Callable[[State, Order], Any]


def control_routes(state: State) -> list[Route]:
    """Return the routes of the control API and its page."""
    works: list[tuple[str, str, Work]] = [
        ("GET", "/_sandbox/projects", list_projects),
        ("POST", "/_sandbox/projects", load_project),
        ("DELETE", "/_sandbox/projects/{project_id:int}", delete_project),
        ("POST", "/_sandbox/projects/{project_id:int}/tokens", make_token),
        ("POST", "/_sandbox/projects/{project_id:int}/status", set_status),
        ("POST", "/_sandbox/projects/{project_id:int}/cells", write_cell),
        ("GET", "/_sandbox/requests", list_requests),
        ("DELETE", "/_sandbox/requests", clear_requests),
        ("POST", "/_sandbox/clock", set_clock),
        ("POST", "/_sandbox/version", set_version),
        ("GET", "/_sandbox/faults", count_faults),
        ("POST", "/_sandbox/faults", add_fault),
        ("DELETE", "/_sandbox/faults", clear_faults),
    ]
    routes = [Route(path, _endpoint(state, work), methods=[method]) for method, path, work in works]

    async def page(_: Request) -> Response:
        return HTMLResponse(await run_in_threadpool(home, state))

    return [*routes, Route("/_sandbox/", page, methods=["GET"])]


def list_projects(state: State, _: Order) -> Any:
    """List projects by id, title and status."""
    projects = (state.store.projects.get(one) for one in state.store.projects.ids())
    return [_about(one) for one in projects if one is not None]


def load_project(state: State, order: Order) -> Any:
    """Load project XML (`xml`), or make an empty project (`title`); answers id and token."""
    attributes = {"project_title": str(order.body.get("title", "")), "purpose": "0"}
    created = create_project(
        state.store, attributes, odm=str(order.body.get("xml", "")), now=state.clock.stamp()
    )
    return {**_about(created.project), "token": created.token, "username": OWNER}


def delete_project(state: State, order: Order) -> Any:
    """Delete a project; its tokens then get REDCap's text for that."""
    project = _project(state, order)
    state.store.projects.delete(project.project_id)
    return {"deleted": project.project_id}


def make_token(state: State, order: Order) -> Any:
    """Make a token; `rights` override full rights, e.g. `{"api_import": 0}`."""
    project = _project(state, order)
    groups = {group.unique_name: group.group_id for group in project.groups}
    member = member_from(
        str(order.body.get("username", OWNER)),
        {
            "flags": order.body.get("rights", {}),
            "forms": order.body.get("forms", {}),
            "forms_export": order.body.get("forms_export", {}),
            "group_id": groups.get(order.body.get("data_access_group", "")),
        },
    )
    return {"token": add_token(state.store, project, member=member), "username": member.username}


def set_status(state: State, order: Order) -> Any:
    """Move a project to `development` or `production`."""
    project = _project(state, order)
    wanted = order.body.get("status")
    if wanted not in ("development", "production"):
        raise ApiError("status must be development or production")
    moved = replace(
        project,
        in_production=wanted == "production",
        production_time=state.clock.stamp() if wanted == "production" else "",
    )
    state.store.projects.save(moved)
    return _about(moved)


def write_cell(state: State, order: Order) -> Any:
    """Edit one cell as another user would, with a log row."""
    project = _project(state, order)
    body = order.body
    names = [name for name in ("record", "field", "value", "event", "instrument") if name in body]
    cell = Cell(**{name: str(body[name]) for name in names}, instance=int(body.get("instance") or 0))
    member = Member(str(order.body.get("username", "second_writer")))
    session = Session(state.store, project, member, Call({}), state.clock.now(), state.redcap.version)
    edit_cell(session, cell)
    return {"written": 1}


def list_requests(state: State, _: Order) -> Any:
    """List the API requests that were made, without values or tokens."""
    return [asdict(one) for one in state.requests]


def clear_requests(state: State, _: Order) -> Any:
    """Forget the list of requests."""
    count = len(state.requests)
    state.requests.clear()
    return {"forgotten": count}


def set_clock(state: State, order: Order) -> Any:
    """Stop the clock at `now` (ISO), or let it run with null."""
    moment = order.body.get("now")
    state.clock.freeze(None if moment is None else datetime.fromisoformat(str(moment)))
    return {"now": state.clock.stamp()}


def set_version(state: State, order: Order) -> Any:
    """Behave as another version of REDCap."""
    state.redcap.version = read_version(str(order.body.get("version", "")))
    return {"version": ".".join(str(part) for part in state.redcap.version)}


def add_fault(state: State, order: Order) -> Any:
    """Let the next `count` requests meet a fault of some `kind`."""
    fault = Fault(
        Kind(order.body.get("kind", "status")),
        status=int(order.body.get("status", 503)),
        seconds=float(order.body.get("seconds", 0)),
        content=str(order.body.get("content", "")),
        action=str(order.body.get("action", "")),
    )
    state.faults.add(fault, int(order.body.get("count", 1)))
    return {"waiting": len(state.faults)}


def count_faults(state: State, _: Order) -> Any:
    """Say how many faults no request has met yet."""
    return {"waiting": len(state.faults)}


def clear_faults(state: State, _: Order) -> Any:
    """Take all waiting faults back."""
    state.faults.clear()
    return {"waiting": 0}


def _about(project: Project) -> dict[str, Any]:
    return {
        "project_id": project.project_id,
        "title": project.title,
        "status": "production" if project.in_production else "development",
    }


def _project(state: State, order: Order) -> Project:
    project = state.store.projects.get(order.project_id)
    if project is None:
        raise ApiError("There is no such project.", 404)
    return project


def _endpoint(state: State, work: Work) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        body = await request.json() if request.method == "POST" and await request.body() else {}
        return await run_in_threadpool(
            _run, state, work, order=Order(request.path_params.get("project_id", 0), body)
        )

    return endpoint


def _run(state: State, work: Work, *, order: Order) -> Response:
    try:
        with state.lock, state.store.transaction():
            return JSONResponse(work(state, order))
    except ApiError as error:
        return JSONResponse({"error": error.message}, status_code=error.status)
    except (ValueError, TypeError) as error:
        return JSONResponse({"error": f"The request cannot be used: {type(error).__name__}"}, status_code=400)
