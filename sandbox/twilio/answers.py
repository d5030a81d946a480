"""An answer to a request, and what spoils it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.twilio.config import Delays
from sandbox.twilio.fates import Manner
from sandbox.twilio.refusals import Refused

_JSON = "application/json"
_PAGE = "<!DOCTYPE html><html><head><title>Sandbox</title></head><body><h1>Created</h1></body></html>"


@dataclass(frozen=True)
class Answer:
    """What is sent after `wait_seconds`; where it `closes`, the connection is cut instead."""

    status: int = 200
    body: bytes = b""
    content_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0
    closes: bool = False


def json_answer(document: Any, *, status: int = 200) -> Answer:
    return Answer(status, json.dumps(document).encode())


def refusal_answer(refusal: Refused) -> Answer:
    return replace(json_answer(refusal.as_json(), status=refusal.status), headers=refusal.headers)


def spoil(answer: Answer, manner: Manner, *, delays: Delays) -> Answer:
    """Return what becomes of the answer that tells of a new message."""
    match manner:
        case Manner.ERROR:
            return refusal_answer(Refused(20500))
        case Manner.NEVER:
            return replace(answer, wait_seconds=delays.never, closes=True)
        case Manner.CLOSED:
            return replace(answer, closes=True)
        case Manner.SLOW:
            return replace(answer, wait_seconds=delays.slow)
        case Manner.HTML:
            return replace(answer, body=_PAGE.encode(), content_type="text/html")
        case Manner.EMPTY:
            return replace(answer, body=b"{}")
        case _:
            return answer
