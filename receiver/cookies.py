"""The cookie that keeps somebody signed in: sealed with the store's keys, for twelve hours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from starlette.responses import Response

from capstan.errors import StoreError
from capstan.store import KeyRing

# A browser takes this name only from https, for this very host, and for all of it.
NAME = "__Host-capstan"
LIFE = timedelta(hours=12)
# The keys seal other things, too; none of them is a cookie.
_PURPOSE = "signed in"


def set_cookie(response: Response, *, keys: KeyRing, person: str, now: datetime) -> None:
    """Have the browser keep that a person is signed in; it is a new cookie each time."""
    told = json.dumps([_PURPOSE, person, now.timestamp()])
    value = keys.seal(told.encode()).decode("ascii")
    seconds = int(LIFE.total_seconds())
    response.set_cookie(NAME, value, max_age=seconds, secure=True, httponly=True, samesite="lax")


def clear_cookie(response: Response) -> None:
    """Have the browser forget who is signed in."""
    response.delete_cookie(NAME, secure=True, httponly=True, samesite="lax")


def person_in(cookie: str, *, keys: KeyRing, now: datetime) -> str:
    """Who is signed in by a cookie; "" for one that is not ours or too old."""
    try:
        told = json.loads(keys.unseal(cookie.encode()))
    except (StoreError, ValueError):
        return ""
    if not isinstance(told, list) or len(told) != 3 or told[0] != _PURPOSE:
        return ""
    since = datetime.fromtimestamp(float(told[2]), UTC)
    return str(told[1]) if since <= now < since + LIFE else ""
