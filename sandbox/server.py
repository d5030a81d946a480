"""Serves the sandbox on this computer: in this process, or until a signal comes."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.api import ApiEndpoint
from sandbox.control import control_routes
from sandbox.faults import TRANSPORT
from sandbox.state import DEFAULT_VERSION, State

HOST = "127.0.0.1"
_say = partial(print, flush=True)


def build_app(state: State) -> Starlette:
    """Make the web application: REDCap at /api/, controls and page at /_sandbox/."""
    api = ApiEndpoint(state)
    routes = [
        Route("/api/", api),
        Route("/api", _to_api, methods=["GET", "POST"]),
        Route("/{folder}/API/", api),
        *control_routes(state),
    ]
    return Starlette(routes=routes)


def serve(
    port: int = 0,
    smtp_port: int | None = None,  # noqa: ARG001  # the mail server comes with its own issue
    *,
    state_dir: str | Path | None = None,
    version: str = DEFAULT_VERSION,
    announce: Callable[[str], object] = _say,
) -> None:
    """Serve until SIGTERM or SIGINT; says where, in one JSON line, when it is ready."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # The server raises the signal again after its own clean end; by then all is done.
        signal.signal(number, _ignore)
    running = Running(port, state_dir=state_dir, version=version)
    running.run_here(lambda: announce(json.dumps(running.addresses())))


class Running:
    """A sandbox in a thread of this process, as a context manager."""

    def __init__(
        self, port: int = 0, *, state_dir: str | Path | None = None, version: str = DEFAULT_VERSION
    ) -> None:
        self.state = State(None if state_dir is None else Path(state_dir), version)
        self._socket = _listen(port)
        self.port = int(self._socket.getsockname()[1])
        self._ready = threading.Event()
        self._server = _Server(_config(_with_transport(build_app(self.state))), self._ready.set)
        self._thread: threading.Thread | None = None

    @property
    def redcap_url(self) -> str:
        return f"http://{HOST}:{self.port}/api/"

    @property
    def control_url(self) -> str:
        return f"http://{HOST}:{self.port}/_sandbox/"

    @property
    def super_token(self) -> str:
        with self.state.lock:
            return self.state.store.projects.super_token()

    def addresses(self) -> dict[str, str | None]:
        """Return what a client needs to know; null is what this sandbox does not have yet."""
        return {
            "redcap_url": self.redcap_url,
            "super_token": self.super_token,
            "twilio_url": None,
            "twilio_account_sid": None,
            "twilio_auth_token": None,
            "smtp": None,
            "control_url": self.control_url,
        }

    def run_here(self, when_ready: Callable[[], object]) -> None:
        """Serve in this thread until the server is told to stop."""
        self._server.when_ready = when_ready
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._close()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="sandbox", daemon=True
        )
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self._close()

    def _close(self) -> None:
        self._socket.close()
        self.state.close()


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], object]) -> None:
        super().__init__(config)
        self.when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.when_ready()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=HOST,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        # The server complains of answers that the faults cut short on purpose.
        log_level="critical",
        timeout_graceful_shutdown=5,
    )


def _with_transport(app: ASGIApp) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        # Only the server's own `send` knows the socket that a fault may have to close.
        scope[TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await app(scope, receive, send)

    return wrapped


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener


async def _to_api(_: Request) -> Response:
    return RedirectResponse("/api/", status_code=301)


def _ignore(*_: object) -> None:
    return None
