"""The sandbox as a web application: REDCap at /api/, Twilio, controls and pages at /_sandbox/."""

from __future__ import annotations

import logging
import sqlite3
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.control import control_routes
from sandbox.faults import TRANSPORT
from sandbox.pages import page_routes
from sandbox.state import State
from sandbox.web.api import ApiEndpoint
from sandbox.web.ban import BanGate
from sandbox.web.guard import Guard
from sandbox.web.twilio import twilio_routes

_log = logging.getLogger("sandbox")


def build_app(state: State, *, has_pages: bool = True) -> ASGIApp:
    """Make the application; controls and pages answer to this computer alone.

    Without controls and pages, which ask for no token, nobody sees anything in it without one.
    """
    api = ApiEndpoint(state)
    routes = [
        Route("/api/", api),
        Route("/api", _Redirect()),
        Route("/redcap_v{version}/API/", api),
        *twilio_routes(state),
        *([*control_routes(state), *page_routes(state)] if has_pages else []),
    ]
    doors = [Middleware(Guard), Middleware(BanGate, limit=state.limit)]
    told: dict[Any, Any] = {404: _not_found, sqlite3.OperationalError: _cannot_store}
    app = Starlette(routes=routes, middleware=doors, exception_handlers=told)
    return _with_transport(app)


def _with_transport(app: ASGIApp) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        # Only the server's own `send` knows the socket that a fault may have to close.
        scope[TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await app(scope, receive, send)

    return wrapped


class _Redirect:
    """Sends every method on to the API, as Apache does for a folder without its slash."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Clients post again to exactly this address, so it must be whole (A.5).
        address = Request(scope).url.replace(path="/api/")
        await RedirectResponse(address, status_code=301)(scope, receive, send)


async def _not_found(_: Request, __: Exception) -> Response:
    # The web server's page, not the API's: clients tell both apart (A.4).
    page = (
        "<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"
    )
    return HTMLResponse(page, status_code=404)


async def _cannot_store(_: Request, error: Exception) -> Response:
    # Its text is about the file and never about values.
    _log.error("The request was undone, because it could not be stored (%s).", error)
    return PlainTextResponse(f"The sandbox cannot store anything ({error}).", status_code=503)
