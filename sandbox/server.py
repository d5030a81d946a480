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
from sandbox.smtp import MailServer
from sandbox.state import DEFAULT_VERSION, State
from sandbox.twilio import BadConfig

HOST = "127.0.0.1"
_say = partial(print, flush=True)


class CannotServe(Exception):
    """The sandbox cannot start with these options; the text says which, and what to do."""


def serve(
    port: int = 0,
    smtp_port: int | None = 0,
    *,
    host: str = HOST,
    state_dir: str | Path | None = None,
    version: str = DEFAULT_VERSION,
    announce: Callable[[str], object] = _say,
) -> None:
    """Serve until SIGTERM or SIGINT; says where, in one JSON line, when it is ready.

    Raises `CannotServe` for options that it cannot start with.
    """
    running = _start(port, smtp_port, host=host, state_dir=state_dir, version=version)
    for number in (signal.SIGTERM, signal.SIGINT):
        # The server raises the signal again after its own clean end; by then all is done.
        signal.signal(number, _ignore)
    running.run_here(lambda: announce(json.dumps(running.addresses())))


def _start(
    port: int, smtp_port: int | None, *, host: str, state_dir: str | Path | None, version: str
) -> Running:
    try:
        read_version(version)
    except ValueError as error:
        raise CannotServe(f"The version {version!r} cannot be used. {error}") from error
    try:
        return Running(port, host=host, smtp_port=smtp_port, state_dir=state_dir, version=version)
    except (sqlite3.Error, BadConfig) as error:
        raise CannotServe(f"The state folder {state_dir} cannot be used ({error}).") from error
    except (OSError, OverflowError, UnicodeError) as error:
        # The folder's errors name a file, those of the network do not.
        if isinstance(error, OSError) and error.filename is not None:
            raise CannotServe(f"The state folder {state_dir} cannot be used ({error.strerror}).") from error
        told = f"Cannot listen on {host}, port {port} ({error}); --port 0 picks a free one."
        raise CannotServe(told) from error


class Running:
    """A sandbox in a thread of this process, as a context manager.

    It takes mail where `smtp_port` is given; 0 picks a free one.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = HOST,
        smtp_port: int | None = None,
        state_dir: str | Path | None = None,
        version: str = DEFAULT_VERSION,
        has_pages: bool = True,
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
        try:
            self._account = self.state.twilio.config
        except BaseException:
            self._socket.close()
            self.state.close()
            raise
        self._mail = self._mail_server(smtp_port)
        app = build_app(self.state, has_pages=has_pages)
        self._ready = threading.Event()
        self._server = Server(app, self._ready.set)
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        return f"http://{self._called}:{self.port}/"

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

    @property
    def smtp(self) -> str | None:
        """Host and port of the mail server."""
        return None if self._mail is None else f"{self._called}:{self._mail.port}"

    def addresses(self) -> dict[str, str | None]:
        """Return what a client needs to know; null is what this sandbox does not have yet."""
        return {
            "redcap_url": self.redcap_url,
            "super_token": self.super_token,
            "twilio_url": self.base_url.removesuffix("/"),
            "twilio_account_sid": self._account.account_sid,
            "twilio_auth_token": self._account.auth_token,
            "smtp": self.smtp,
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

    @property
    def _called(self) -> str:
        # "All addresses" is nothing that a client can call.
        host = {"0.0.0.0": HOST, "::": "::1"}.get(self._host, self._host)
        return f"[{host}]" if ":" in host else host

    def _mail_server(self, port: int | None) -> MailServer | None:
        if port is None:
            return None
        try:
            return MailServer(self.state, listen(self._host, port)).start()
        except (OSError, OverflowError) as error:
            self._socket.close()
            self.state.close()
            told = f"Cannot take mail on {self._host}, port {port} ({error}); --smtp-port 0 picks a free one."
            raise CannotServe(told) from error

    def _close(self) -> None:
        if self._mail is not None:
            self._mail.stop()
        self._socket.close()
        self.state.close()


def _ignore(*_: object) -> None:
    return None
