"""Where a REDCap is and what opens it: the API address and the token, both checked before any call."""

from __future__ import annotations

import re
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit, urlunsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from capstan.errors import UsageError

PROJECT_TOKEN_LENGTH = 32
SUPER_TOKEN_LENGTH = 64
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class Token(AuthBase):
    """A token that joins a request at the last moment and appears in no repr, frame or pickle of ours.

    As an `auth` of requests it is written into the body when the request is prepared, so none of
    our own variables ever holds a body with the token; and requests reads no .netrc when it has an auth.
    """

    __slots__ = ("_characters",)

    def __init__(self, text: str, *, length: int = PROJECT_TOKEN_LENGTH) -> None:
        characters = text.strip()
        if not characters:
            raise UsageError("The REDCap token is empty: check the place that the study names for it.")
        if not re.fullmatch(rf"[0-9A-Fa-f]{{{length}}}", characters):
            raise UsageError(
                f"The REDCap token is ill-formed: it must be {length} hexadecimal characters, "
                f"and this text has {len(characters)} characters."
            )
        self._characters = characters

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        fields = request.body or ""
        boundary = request.headers.get("Content-Type", "").partition("boundary=")[2]
        if boundary and isinstance(fields, bytes):
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="token"\r\n\r\n'
            request.body = f"{head}{self._characters}\r\n".encode("ascii") + fields
            return request
        text = fields.decode("ascii") if isinstance(fields, bytes) else fields
        request.body = f"token={self._characters}&{text}"
        return request

    def __repr__(self) -> str:
        return "<Token>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A REDCap token is not written to files: make a new connection instead.")


def api_address(url: str) -> str:
    """Return `url` as the address of its API, which ends in `/api/`.

    Raises `UsageError` for anything but a plain http or https address; the text does not repeat it,
    because a token may have been put there by mistake. Source: section A.5.
    """
    parts = _split(url.strip())
    path = parts.path.rstrip("/")
    if not path.lower().endswith("/api"):
        path += "/api"
    return urlunsplit((parts.scheme.lower(), parts.netloc, f"{path}/", "", ""))


def host_of(address: str) -> str:
    """Return host and port of an address, which is all of it that texts show."""
    return urlsplit(address).netloc


def is_loopback(address: str) -> bool:
    """Tell whether the address is on this machine, where no proxy can reach it."""
    return urlsplit(address).hostname in LOOPBACK_HOSTS


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_plain = bool(parts.hostname) and parts.port != 0 and not re.search(r"\s", url)
    except ValueError:
        is_plain = False
    if not is_plain or parts.scheme.lower() not in ("http", "https"):
        raise UsageError("The REDCap address is malformed: write it like https://redcap.example.org/api/.")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise UsageError("The REDCap address must have no user, question mark or hash: only host and path.")
    return parts
