"""Creates a project with a super token, the one call that no project token can make."""

from __future__ import annotations

import json
import time

from capstan.redcap.address import SUPER_TOKEN_LENGTH, Token, api_address
from capstan.redcap.answers import new_token
from capstan.redcap.throttle import Pace, Throttle
from capstan.redcap.wire import Wire


def create_project(
    url: str,
    super_token: str,
    *,
    title: str,
    odm: str | None = None,
    purpose: int = 0,
    purpose_other: str = "",
    timeout_seconds: tuple[float, float] = (10.0, 300.0),
    throttle: Pace | None = None,
) -> str:
    """Create a project, from an ODM document where one is given, and return its new token.

    The super token has 64 hexadecimal characters; `purpose` 1 needs `purpose_other`. Sent once: raises
    `OutcomeUnknown` where the project may exist although no token came. It counts on the `throttle` of other
    connections to this host, if one is given. Source: B.13.
    """
    wire = Wire(
        api_address(url),
        Token(super_token, length=SUPER_TOKEN_LENGTH),
        timeout_seconds=timeout_seconds,
        attempts=1,
        sleep=time.sleep,
        throttle=throttle or Throttle(),
    )
    facts = {"project_title": title, "purpose": str(purpose), "purpose_other": purpose_other}
    call = {
        "content": "project",
        "format": "json",
        "data": json.dumps([facts]),
        "odm": odm,
        "returnFormat": "json",
    }
    return wire.write(call, new_token)
