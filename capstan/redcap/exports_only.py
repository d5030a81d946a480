"""The guard of a connection that only reads: where calls leave this process, it lets exports alone pass."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import requests
from requests.adapters import HTTPAdapter

from capstan.errors import Refused
from capstan.redcap.address import api_address
from capstan.redcap.wire import new_session

# REDCap tells an import from an export by its parameters alone, so both lists name what is allowed.
_CONTENTS = frozenset(
    (
        "arm",
        "event",
        "exportFieldNames",
        "formEventMapping",
        "instrument",
        "metadata",
        "project",
        "project_xml",
        "record",
        "repeatingFormsEvents",
        "user",
        "version",
    )
)
_PARAMETERS = frozenset(
    (
        "token",
        "content",
        "format",
        "returnFormat",
        "type",
        "fields",
        "forms",
        "events",
        "records",
        "rawOrLabel",
        "filterLogic",
        "exportSurveyFields",
        "exportDataAccessGroups",
        "exportBlankForGrayFormStatus",
        "exportFiles",
        "returnMetadataOnly",
    )
)


def exports_only(url: str) -> requests.Session:
    """Return a session for `Redcap` that cannot change the project, whatever the token may do.

    Each call that is no export, or goes anywhere else, raises `Refused` before anything is sent.
    """
    address = api_address(url)
    session = new_session(address)
    for scheme in ("https://", "http://"):
        session.mount(scheme, _ExportsOnly(address))
    return session


class _ExportsOnly(HTTPAdapter):
    def __init__(self, address: str) -> None:
        super().__init__()
        # As requests spells it, with the host in small letters.
        self._address = requests.Request("POST", address).prepare().url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        # Also a redirect comes by here, with the token in its body.
        if request.method != "POST" or request.url != self._address or not _is_export(request.body):
            raise Refused(
                "This connection reads only, and a call would have changed REDCap; it was not sent."
            )
        return super().send(request, *args, **kwargs)


def _is_export(body: str | bytes | None) -> bool:
    # An upload is bytes; its parameters cannot be read here, and no export has a file.
    if not isinstance(body, str):
        return False
    pairs = parse_qsl(body, keep_blank_values=True)
    names = {name.partition("[")[0] for name, _ in pairs}
    contents = [value for name, value in pairs if name.partition("[")[0] == "content"]
    return len(contents) == 1 and contents[0] in _CONTENTS and names <= _PARAMETERS
