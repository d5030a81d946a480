"""Asks a web address whether it has a session's data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests
from urllib3.exceptions import HTTPError

from capstan.monitors.parts import filled
from capstan.probes.looks import MISSING, THERE, Look, unknown

_ABSENT = frozenset({404, 410})
_MOST_BYTES = 1 << 20


def look_at_address(
    url: str,
    *,
    parts: Mapping[str, str],
    timeout_seconds: int,
    status: int = 200,
    path: str = "",
    token: str = "",
) -> Look:
    """Get an address: `status` says that the data are there, 404 and 410 that they are not, others nothing.

    With `path` they are there if that path of the JSON answer leads to something that is not empty. No
    redirection is followed, so that the token goes nowhere else.
    """
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        with requests.Session() as session:
            # Else a .netrc could replace the token by somebody's login.
            session.trust_env = False
            address = filled(url, parts, quote=lambda part: quote(part, safe=""))
            with session.get(
                address, headers=headers, timeout=timeout_seconds, allow_redirects=False, stream=True
            ) as answer:
                if answer.status_code in _ABSENT:
                    return MISSING
                if answer.status_code != status:
                    return unknown(f"the answer was {answer.status_code}")
                return _look_into(answer, path=path) if path else THERE
    except (requests.RequestException, HTTPError) as error:
        return unknown(type(error).__name__)


def _look_into(answer: requests.Response, *, path: str) -> Look:
    body = answer.raw.read(_MOST_BYTES + 1, decode_content=True)
    if len(body) > _MOST_BYTES:
        return unknown("the answer is too long")
    try:
        found = _follow(json.loads(body), path.split("."))
    except (ValueError, RecursionError):
        return unknown("the answer is no JSON")
    return THERE if found else MISSING


def _follow(value: Any, names: list[str]) -> Any:
    """What a path leads to; None where it leads to nothing."""
    for name in names:
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    return value
