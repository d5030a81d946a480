"""What a banned address gets from the whole site, surveys included (A.6)."""

from __future__ import annotations

import time

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.limits import RateLimit

# Clients know the page by what it says; its status and its words are not recorded (J.1).
BAN_PAGE = (
    "<!DOCTYPE html><html><head><title>REDCap</title></head><body><h1>ACCESS DENIED</h1>"
    "<p>Your IP address was banned because it exceeded the rate limit of this (sandbox) server.</p>"
    "</body></html>"
)
# The controls, and Twilio's addresses, which REDCap's limit is no matter of.
_OTHERS = ("/_sandbox", "/2010-04-01", "/lookups", "/messaging")


class BanGate:
    """Counts requests by address, and answers those that are banned with the page for that."""

    def __init__(self, app: ASGIApp, *, limit: RateLimit) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_theirs = scope["type"] == "http" and not scope["path"].startswith(_OTHERS)
        if is_theirs and not self._limit.admit(client_address(scope), time.monotonic()):
            await HTMLResponse(BAN_PAGE)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def client_address(scope: Scope) -> str:
    """Return the address that a request came from."""
    return str(scope["client"][0]) if scope.get("client") else ""
