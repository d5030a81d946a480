"""Keeps other computers and other web sites away from the sandbox's controls and pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.loopback import is_loopback_host

_READING = ("GET", "HEAD", "OPTIONS")
_FOLDER = "/_sandbox"


class Guard:
    """Refuses other computers, what a page of another site sends here, and names bent to this address.

    There is no login, so a browser is told from another site's page by what it says of itself. Clients that
    are no browsers say nothing of the kind and pass. Where the sandbox is open to other computers, these
    have what asks for a token, and participants' surveys.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else ""
        if refusal:
            await PlainTextResponse(refusal, status_code=403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        if not scope["path"].startswith(_FOLDER):
            return ""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not (_is_from_here(scope) and is_loopback_host(_name_in(host))):
            return "This part of the sandbox is reached on its own computer, as 127.0.0.1 or localhost, only."
        if scope["method"] in _READING or _is_own(headers, host):
            return ""
        return "A page of another site may not change the sandbox."


def _is_from_here(scope: Scope) -> bool:
    client = scope.get("client")
    return client is None or is_loopback_host(client[0])


def _is_own(headers: Headers, host: str) -> bool:
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or origin.partition("://")[2] == host


def _name_in(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
