"""Posting to addresses that are secrets: none is ever in a log, an error, or a result."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr

from capstan.errors import UsageError
from capstan.study.parts import TokenSource
from tasks.hosts import is_local
from tasks.token_sources import read_token

_TRIES, _TIMEOUT_SECONDS = 3, 10
_FILE = "file:"


def secret_address(setting: SecretStr | None, *, name: str) -> str:
    """The address that a setting or the file that it names holds; blank where it is not set.

    Raises UsageError, which names the setting only, for one that would cross a network in the clear.
    """
    text = setting.get_secret_value().strip() if setting else ""
    if text.startswith(_FILE):
        path = "/" + text.removeprefix(_FILE).lstrip("/")
        text = read_token(TokenSource(file=path), folder=Path("/"))
    if text and not _is_safe(text):
        raise UsageError(f"{name} must be an https address, or an http one on this machine.")
    return text


def post(url: str, *, text: str = "", json: dict[str, str] | None = None) -> bool:
    """Post to an address; returns whether it took it. A network that fails for a moment gets another try."""
    for _ in range(_TRIES):
        try:
            answer = requests.post(
                url,
                data=None if json else text.encode(),
                json=json,
                timeout=_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except (requests.RequestException, UnicodeError):
            continue
        if answer.status_code < requests.codes.multiple_choices:
            return True
        if answer.status_code < requests.codes.server_error:
            return False
    return False


def _is_safe(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_local(host)))
