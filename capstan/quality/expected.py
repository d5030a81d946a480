"""Expectations of a project as a whole: what a number should be, and how grave it is where it is not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Literal

SUITE_VERSION = 1
"""Raised by one whenever the meaning of an expectation changes, so that its digest does too."""


class Kind(StrEnum):
    """What an expectation is about."""

    VOLUME = "volume"
    FRESHNESS = "freshness"
    COMPLETENESS = "completeness"
    DRIFT = "drift"
    DUPLICATES = "duplicates"
    DATES = "dates"
    REFERENTIAL = "referential"
    CONTACT = "contact"
    DELIVERY = "delivery"


@dataclass(frozen=True)
class Expected:
    """One expectation; `id` stays the same from night to night, `sentence` says it in words, without values.

    It is about a form, a field, an event and a site, each blank for all. `waits` says why it is not judged
    yet.
    On the asset `measures` the row of `measure` and place must have a value from `lower` to `upper`; on the
    asset `data` it is a question to the export: `expects` says which, `column` or `columns` of what, and
    `reference` the share of each code.
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
    asset: Literal["measures", "data"] = "measures"
    expects: str = "value"
    measure: str = ""
    column: str = ""
    columns: tuple[str, ...] = ()
    reference: tuple[tuple[str, float], ...] = ()

    def allows(self, value: float) -> bool:
        """Whether a number is within the bounds."""
        above = self.lower is None or value >= self.lower
        return above and (self.upper is None or value <= self.upper)


def digest_of(expected: Iterable[Expected]) -> str:
    """A short name of a list of expectations that is another one as soon as any of them is."""
    told = [asdict(one) for one in sorted(expected, key=lambda one: one.id)]
    text = json.dumps([SUITE_VERSION, told], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
