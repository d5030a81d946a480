"""The socket of a served sandbox, and the server that answers on it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from sandbox.loopback import is_loopback_host

MAX_PORT = 65535
_log = logging.getLogger("sandbox")


class Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, app: ASGIApp, when_ready: Callable[[], object]) -> None:
        super().__init__(_config(app))
        self.when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.when_ready()


def listen(host: str, port: int) -> socket.socket:
    """Take a port, any free one for 0; raises OSError and OverflowError for what cannot be had."""
    if not 0 <= port <= MAX_PORT:
        raise OverflowError("a port is a number from 0 to 65535")
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # Without the protocol the event loop leaves short answers waiting for 40 ms (Nagle's algorithm).
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    if not is_loopback_host(host):
        _log.warning(
            "The sandbox listens on %s, beyond this computer: who reaches it can try tokens and surveys.",
            host,
        )
    return listener


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        # The server complains of answers that the faults cut short on purpose.
        log_level="critical",
        timeout_graceful_shutdown=2,
    )
