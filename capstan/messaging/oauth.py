"""Fetches the tokens of a mail login (OAuth 2.0) from a token endpoint, and keeps each till it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from urllib.parse import urlsplit

import requests

from capstan.errors import MessagingError, MessagingUnavailable, UsageError

_TIMEOUT_SECONDS = (3.05, 10.0)
# A token must still hold when the mail server looks at it.
_EARLY = timedelta(minutes=1)
_HOUR_SECONDS, _DAY_SECONDS = 3600, 86_400
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_BUSY = frozenset({408, 429})
_NEVER = datetime.min.replace(tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class TokenDesk:
    """Gives a token that still holds; threads may share it.

    With a refresh token it asks for one in a person's name (RFC 6749, 6), without one in the client's own
    (4.4). Raises UsageError for an address that would show the secrets to the network.
    """

    url: str
    client: str = field(repr=False)
    secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    scope: str = ""
    clock: Callable[[], datetime] = field(default=_now, repr=False)
    _token: str = field(default="", init=False, repr=False)
    _ends_at: datetime = field(default=_NEVER, init=False, repr=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse an address without encryption."""
        parts = urlsplit(self.url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise UsageError("messaging.email.oauth.url must begin with https://.")

    def token(self) -> str:
        """The token of now, fetched if there is none that still holds.

        Raises MessagingError where it is refused, MessagingUnavailable where nobody answers; neither text
        holds anything of the request or the answer.
        """
        with self._lock:
            if self.clock() >= self._ends_at:
                self._token, seconds = _fetch(self.url, self._form())
                self._ends_at = self.clock() + timedelta(seconds=seconds) - _EARLY
            return self._token

    def forget(self) -> None:
        """Fetch a new one next time, as after a mail server has refused this one."""
        with self._lock:
            self._ends_at = _NEVER

    def _form(self) -> dict[str, str]:
        grant = "refresh_token" if self.refresh_token else "client_credentials"
        given = {
            "grant_type": grant,
            "refresh_token": self.refresh_token,
            "client_id": self.client,
            "client_secret": self.secret,
            "scope": self.scope,
        }
        return {name: value for name, value in given.items() if value}


def _fetch(url: str, form: dict[str, str]) -> tuple[str, float]:
    """A token, and how many seconds it holds."""
    status = 0
    try:
        answer = requests.post(url, data=form, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
        status = answer.status_code
        told = answer.json() if status == requests.codes.ok else {}
    except (requests.RequestException, ValueError):
        told = {}
    if 400 <= status < 500 and status not in _BUSY:
        raise MessagingError(
            f"The token endpoint refused (status {status}): look at messaging.email.oauth, and whether its "
            "refresh token still holds."
        )
    token = told.get("access_token") if isinstance(told, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token:
        raise MessagingUnavailable(f"The token endpoint gave no token (status {status or 'none'}).")
    return token, _seconds(told.get("expires_in"))


def _seconds(value: object) -> float:
    """How long a token holds; an hour, as is usual, where the answer does not say it (RFC 6749, 5.1).

    A day at most: no calendar reaches as far as some answers would.
    """
    return min(value, _DAY_SECONDS) if isinstance(value, int | float) and value > 0 else _HOUR_SECONDS
