"""The sandbox's clock, which a test may stop."""

from __future__ import annotations

from datetime import datetime

STAMP = "%Y-%m-%d %H:%M:%S"


class Clock:
    """Local time without a zone, as REDCap servers keep it."""

    def __init__(self) -> None:
        self._frozen: datetime | None = None

    def freeze(self, moment: datetime | None) -> None:
        """Stop at a moment, or run on with None."""
        self._frozen = None if moment is None else moment.replace(tzinfo=None)

    @property
    def is_frozen(self) -> bool:
        return self._frozen is not None

    def now(self) -> datetime:
        return self._frozen or datetime.now().astimezone().replace(tzinfo=None)

    def stamp(self) -> str:
        return self.now().strftime(STAMP)
