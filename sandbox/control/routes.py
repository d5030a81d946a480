"""Addresses of the controls, and from a request's JSON to an answer's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from tempfile import SpooledTemporaryFile
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.control import (
    clock,
    design,
    mails,
    people,
    projects,
    server,
    triggers,
    twilio,
    twilio_faults,
    weather,
)
from sandbox.control.news import news_endpoint
from sandbox.control.orders import Order
from sandbox.errors import ApiError
from sandbox.state import State
from sandbox.web.intake import BadBody, read_body, write_body
from sandbox.web.numbers import PROJECT_ID

Work = Callable[[State, Order], Any]
MAX_IN_MEMORY = 1 << 20
_XML = ("application/xml", "text/xml")
_PROJECT = f"/_sandbox/projects/{PROJECT_ID}"
WORKS: list[tuple[str, str, Work]] = [
    ("GET", "/_sandbox/projects", projects.list_projects),
    ("POST", "/_sandbox/projects", projects.load_project),
    ("DELETE", _PROJECT, projects.delete_project),
    ("POST", f"{_PROJECT}/tokens", projects.make_token),
    ("POST", f"{_PROJECT}/groups", people.assign_groups),
    ("POST", f"{_PROJECT}/status", projects.set_status),
    ("POST", f"{_PROJECT}/cells", projects.write_cell),
    ("POST", f"{_PROJECT}/forms", projects.write_form),
    ("POST", f"{_PROJECT}/locks", projects.lock_form),
    ("POST", f"{_PROJECT}/surveys", design.make_survey),
    ("POST", f"{_PROJECT}/participants", design.invite_participant),
    ("GET", f"{_PROJECT}/reports", design.list_reports),
    ("POST", f"{_PROJECT}/reports", design.make_report),
    ("POST", f"{_PROJECT}/allocations", design.load_table),
    ("GET", f"{_PROJECT}/trigger", triggers.show_trigger),
    ("PUT", f"{_PROJECT}/trigger", triggers.set_trigger),
    ("POST", f"{_PROJECT}/trigger", triggers.set_trigger),
    ("GET", "/_sandbox/triggers", triggers.list_posts),
    ("DELETE", "/_sandbox/triggers", triggers.clear_posts),
    ("POST", "/_sandbox/triggers/faults", triggers.add_trick),
    ("DELETE", "/_sandbox/triggers/faults", triggers.clear_tricks),
    ("GET", "/_sandbox/requests", server.list_requests),
    ("DELETE", "/_sandbox/requests", server.clear_requests),
    ("GET", "/_sandbox/mails", mails.list_mails),
    ("DELETE", "/_sandbox/mails", mails.clear_mails),
    ("GET", "/_sandbox/clock", clock.show_clock),
    ("POST", "/_sandbox/clock", clock.set_clock),
    ("POST", "/_sandbox/freeze", clock.freeze_clock),
    ("POST", "/_sandbox/speed", clock.speed_clock),
    ("POST", "/_sandbox/version", server.set_version),
    ("GET", "/_sandbox/faults", weather.list_faults),
    ("POST", "/_sandbox/faults", weather.add_fault),
    ("DELETE", "/_sandbox/faults", weather.clear_faults),
    ("GET", "/_sandbox/limit", weather.show_limit),
    ("POST", "/_sandbox/limit", weather.set_limit),
    ("DELETE", "/_sandbox/ban", weather.lift_bans),
    ("POST", "/_sandbox/advance", clock.advance_clock),
    ("POST", "/_sandbox/clock/advance", clock.advance_clock),
    ("GET", "/_sandbox/state", twilio.show_state),
    ("POST", "/_sandbox/reset", twilio.reset),
    ("GET", "/_sandbox/config", twilio.show_config),
    ("POST", "/_sandbox/config", twilio.set_config),
    ("POST", "/_sandbox/inbound", twilio.write_as),
    ("POST", "/_sandbox/phones", twilio.set_phone),
    ("POST", "/_sandbox/limits", twilio.set_limits),
    ("POST", "/_sandbox/redaction", twilio.set_redaction),
]
# At one address an object is a fault of REDCap's, and a list is what the next requests to Twilio meet.
_OF_LISTS: Mapping[Work, Work] = {weather.add_fault: twilio_faults.add_faults}
# They keep their own order, and some last until a receiver has answered, who may ask REDCap meanwhile.
_BESIDE_REDCAP = frozenset(
    [
        clock.freeze_clock,
        clock.advance_clock,
        *(work for _, _, work in WORKS if work.__module__ == twilio.__name__),
    ]
)


def control_routes(state: State) -> list[Route]:
    """Return the routes of the control API."""
    news = Route("/_sandbox/events", news_endpoint(state))
    return [news, *(Route(path, _endpoint(state, work), methods=[method]) for method, path, work in WORKS)]


def _endpoint(state: State, work: Work) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        number = request.path_params.get("project_id", 0)
        try:
            if request.headers.get("content-type", "").startswith(_XML):
                with SpooledTemporaryFile(MAX_IN_MEMORY) as source:
                    await write_body(request, source)
                    order = Order(number, dict(request.query_params), source)
                    return await run_in_threadpool(_run, state, work, order=order)
            body = await read_body(request)
        except BadBody as error:
            return JSONResponse({"error": "The body is too large."}, status_code=error.status)
        return await run_in_threadpool(_run_json, state, work, body=body, project_id=number)

    return endpoint


def _run_json(state: State, work: Work, *, body: bytes, project_id: int) -> Response:
    try:
        document = _read(body)
        if isinstance(document, list) and work in _OF_LISTS:
            work, document = _OF_LISTS[work], {"faults": document}
        if not isinstance(document, dict):
            raise ApiError("The body must be a JSON object.")
        order = Order(project_id, document)
    except ApiError as error:
        return _refuse(error)
    return _run(state, work, order=order)


def _run(state: State, work: Work, *, order: Order) -> Response:
    try:
        with nullcontext() if work in _BESIDE_REDCAP else state.writing():
            return JSONResponse(work(state, order))
    except ApiError as error:
        return _refuse(error)


def _refuse(error: ApiError) -> Response:
    return JSONResponse({"error": error.message}, status_code=error.status)


def _read(body: bytes) -> Any:
    try:
        return json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ApiError("The body must be JSON.") from error
