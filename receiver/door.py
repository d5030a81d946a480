"""The door: what holds for every request, whatever it asks for: pace, headers, one line in the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from receiver.addresses import Networks, sender_of
from receiver.pace import Pace

_log = logging.getLogger("receiver")
SENDER, REASON = "capstan.sender", "capstan.reason"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    # Older Safari sends no Origin with "no-referrer", and then no form would be believed.
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)


class Door:
    """Lets a request in, and writes down that it came: never its path, its address or anything it says."""

    def __init__(self, app: ASGIApp, *, proxies: Networks, pace: Pace) -> None:
        self._app, self._proxies, self._pace = app, proxies, pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _completed(message["headers"])
            await send(message)

        scope[SENDER] = sender_of(_peer(scope), _forwarded(scope), proxies=self._proxies)
        try:
            await self._answer(scope, receive, send_on)
        except ClientDisconnect:
            scope[REASON] = "the sender left"
        except Exception as error:  # noqa: BLE001 - its text may quote the request, and the server would log it
            scope[REASON] = type(error).__name__
            if not status:
                await _plain(HTTPStatus.INTERNAL_SERVER_ERROR)(scope, receive, send_on)
        finally:
            _write_line(scope, status=status, seconds=time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._pace.allows(scope[SENDER]):
            await self._app(scope, receive, send)
            return
        scope[REASON] = "too many"
        await _plain(HTTPStatus.TOO_MANY_REQUESTS)(scope, receive, send)


def _plain(status: HTTPStatus) -> Response:
    return Response(status_code=status, headers={"Connection": "close", "Retry-After": "5"})


def _completed(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Add what an answer does not say otherwise."""
    said = {name for name, _ in headers}
    return [*headers, *(pair for pair in _HEADERS if pair[0] not in said)]


def _peer(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])


def _forwarded(scope: Scope) -> list[str]:
    return Headers(scope=scope).getlist("x-forwarded-for")


def _write_line(scope: Scope, *, status: int, seconds: float) -> None:
    # The way in by its name in the code, because a path may hold a secret.
    way_in = getattr(scope.get("endpoint"), "__name__", "nothing")
    method = scope["method"] if scope["method"] in _METHODS else "?"
    reason = scope.get(REASON, "")
    _log.info("%s %s %d %.1f ms%s", method, way_in, status, seconds * 1000, f" ({reason})" if reason else "")
