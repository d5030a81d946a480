"""The way to Twilio: requests of its library, sent once, to Twilio itself or to a sandbox."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import urllib3
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]

from capstan.errors import UsageError

# They print whole query strings, in which numbers are: the one at INFO, the other at DEBUG.
logging.getLogger("twilio.http_client").setLevel(logging.WARNING)
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

_POOL_SIZE = 16
_LONGEST_WAIT_SECONDS = 86_400.0
_LONGEST_HOLD_SECONDS = 1.0
_DOMAIN = ".twilio.com"


class Call(threading.local):
    """What is known of this thread's last request; the library's exceptions do not say it.

    `has_left` is false while no byte of the request was written, so that Twilio cannot have it; `left_at` is
    when the first one was. Nothing leaves before `leave_from`, nor after `leave_by`, where there are such.
    """

    has_left = False
    left_at: datetime | None = None
    leave_from: datetime | None = None
    leave_by: datetime | None = None
    status = 0
    retry_after_seconds = 0.0
    date = ""


CALL = Call()


class _Watched:
    """A connection that marks when the first byte of a request leaves."""

    sock: Any

    def connect(self) -> None:
        try:
            super().connect()  # type: ignore[misc]
        finally:
            # What a proxy was told on the way is no message yet.
            CALL.has_left = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not CALL.has_left:
            _hold_back(datetime.now(UTC))
            _leave(datetime.now(UTC))
        super().send(data)  # type: ignore[misc]


def _hold_back(now: datetime) -> None:
    """Wait until a request may leave; a clock that is put back meanwhile holds up nothing for long."""
    if CALL.leave_from is not None:
        wait = (CALL.leave_from - now).total_seconds()
        time.sleep(min(max(0.0, wait), _LONGEST_HOLD_SECONDS))


def _leave(now: datetime) -> None:
    """Note that a request leaves; raises TimeoutError where it is too late for that."""
    if CALL.leave_by is not None and now > CALL.leave_by:
        raise TimeoutError("too late")
    CALL.has_left, CALL.left_at = True, now


class _PlainConnection(_Watched, urllib3.connection.HTTPConnection):
    pass


class _TlsConnection(_Watched, urllib3.connection.HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _OnceAdapter(HTTPAdapter):
    """Repeats nothing, and tells whether a request left."""

    def __init__(self) -> None:
        super().__init__(pool_connections=2, pool_maxsize=_POOL_SIZE, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        _watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        return _watch(super().proxy_manager_for(*args, **options))


def _watch(manager: Any) -> Any:
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
    return manager


class OnceHttpClient(TwilioHttpClient):  # type: ignore[misc]
    """The library's HTTP client with our time limits, that keeps what `CALL` tells and refuses other hosts.

    With a `base_url`, `https://<product>.twilio.com/<path>` goes to `<base_url>/<product>/<path>`, and
    the product `api` straight to `<base_url>/<path>`.
    """

    def __init__(self, base_url: str, *, timeout_seconds: tuple[float, float]) -> None:
        super().__init__()
        # The constructor takes one number only.
        self.timeout = timeout_seconds
        self._base = urlsplit(base_url) if base_url else None
        # A proxy and a .netrc of this computer's environment are no business of a sandbox.
        self.session.trust_env = self._base is None
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, _OnceAdapter())

    def request(self, method: str, url: str, **options: Any) -> Response:
        """Send one request; the answer's status and headers are in `CALL` after it."""
        CALL.has_left, CALL.left_at = False, None
        CALL.status, CALL.retry_after_seconds, CALL.date = 0, 0.0, ""
        response: Response = super().request(method, self._address(url), **options)
        headers = response.headers or {}
        CALL.status = response.status_code
        CALL.retry_after_seconds = _seconds(headers.get("Retry-After"), date=headers.get("Date"))
        CALL.date = headers.get("Date", "")
        return response

    def _address(self, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" or not (parts.hostname or "").endswith(_DOMAIN):
            raise UsageError("Twilio's library asked for another server than Twilio; nothing was sent.")
        if self._base is None:
            return url
        product = str(parts.hostname).split(".", 1)[0]
        path = parts.path if product == "api" else f"/{product}{parts.path}"
        return urlunsplit(
            (self._base.scheme, self._base.netloc, f"{self._base.path.rstrip('/')}{path}", parts.query, "")
        )


def _seconds(text: str | None, *, date: str | None) -> float:
    """Seconds of a Retry-After header, which is a number or a date; 0 where it is neither."""
    if text is None:
        return 0.0
    if text.strip().isdecimal():
        return min(float(text), _LONGEST_WAIT_SECONDS)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(date or "")
    except (TypeError, ValueError):
        return 0.0
    return min(max(0.0, wait.total_seconds()), _LONGEST_WAIT_SECONDS)
