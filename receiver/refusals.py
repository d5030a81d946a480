"""Refusals: what is answered to a request that is not taken; nothing of it is repeated."""

from __future__ import annotations

from starlette.exceptions import HTTPException

RETRY_AFTER_SECONDS = 5


class Refusal(HTTPException):
    """A request that is not taken. The sender learns the status alone, and the log the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.reason = reason


def unknown_sender(reason: str) -> Refusal:
    """A refusal of somebody who must not learn whether what he asked for is there."""
    return Refusal(404, reason)
