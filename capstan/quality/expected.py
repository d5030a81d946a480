"""Expectations of a project as a whole: what a number should be, and how grave it is where it is not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class Expected:
    """One expectation; `id` stays the same from night to night, `sentence` says it in words, without values.

    It is about a form, a field, an event and a site, each blank for all. `waits` says why it is not judged yet.
    """

    id: str
    kind: str
    severity: Literal["critical", "warning", "info"]
    sentence: str
    form: str = ""
    field: str = ""
    event: str = ""
    site: str = ""
    lower: float | None = None
    upper: float | None = None
    waits: str = ""


def digest_of(expected: Iterable[Expected]) -> str:
    """A short name of a list of expectations that is another one as soon as any of them is."""
    told = json.dumps([asdict(one) for one in sorted(expected, key=lambda one: one.id)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]
