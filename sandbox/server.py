"""Serves the sandbox on this computer: in this process, or until a signal comes."""

from __future__ import annotations

import json
import signal
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.app import build_app
from sandbox.listening import Server, listen
from sandbox.session import read_version
from sandbox.state import DEFAULT_VERSION, State
from sandbox.web.guard import is_loopback_host

HOST = "127.0.0.1"
_say = partial(print, flush=True)


class CannotServe(Exception):
    """The sandbox cannot start with these options; the text says which, and what to do."""


def serve(
    port: int = 0,
    smtp_port: int | None = None,  # noqa: ARG001  # the mail server comes with its own issue
    *,
    host: str = HOST,
    state_dir: str | Path | None = None,
    version: str = DEFAULT_VERSION,
    announce: Callable[[str], object] = _say,
) -> None:
    """Serve until SIGTERM or SIGINT; says where, in one JSON line, when it is ready.

    Raises `CannotServe` for options that it cannot start with.
    """
    running = _start(port, host=host, state_dir=state_dir, version=version)
    for number in (signal.SIGTERM, signal.SIGINT):
        # The server raises the signal again after its own clean end; by then all is done.
        signal.signal(number, _ignore)
    running.run_here(lambda: announce(json.dumps(running.addresses())))


def _start(port: int, *, host: str, state_dir: str | Path | None, version: str) -> Running:
    try:
        read_version(version)
    except ValueError as error:
        raise CannotServe(f"The version {version!r} cannot be used. {error}") from error
    try:
        return Running(port, host=host, state_dir=state_dir, version=version)
    except sqlite3.Error as error:
        raise CannotServe(f"The state folder {state_dir} cannot be used ({error}).") from error
    except (OSError, OverflowError, UnicodeError) as error:
        # The folder's errors name a file, those of the network do not.
        if isinstance(error, OSError) and error.filename is not None:
            raise CannotServe(f"The state folder {state_dir} cannot be used ({error.strerror}).") from error
        told = f"Cannot listen on {host}, port {port} ({error}); --port 0 picks a free one."
        raise CannotServe(told) from error


class Running:
    """A sandbox in a thread of this process, as a context manager."""

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = HOST,
        state_dir: str | Path | None = None,
        version: str = DEFAULT_VERSION,
    ) -> None:
        self._socket = listen(host, port)
        self.port = int(self._socket.getsockname()[1])
        self._host = host
        try:
            self.state = State(None if state_dir is None else Path(state_dir), version)
        except BaseException:
            self._socket.close()
            raise
        self.state.base_url = self.base_url
        app = build_app(self.state, is_loopback=is_loopback_host(host))
        self._ready = threading.Event()
        self._server = Server(app, self._ready.set)
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        # "All addresses" is nothing that a client can call.
        host = {"0.0.0.0": HOST, "::": "::1"}.get(self._host, self._host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @property
    def redcap_url(self) -> str:
        return f"{self.base_url}api/"

    @property
    def control_url(self) -> str:
        return f"{self.base_url}_sandbox/"

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


def _ignore(*_: object) -> None:
    return None
