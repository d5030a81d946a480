"""GET /health and /ready: whether the process lives, and whether it can keep what it is told."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from capstan.errors import StoreError
from receiver.desk import desk_of
from receiver.refusals import Refusal

READY_SECONDS = 5


async def tell_health(_: Request) -> Response:
    """Say that the process answers."""
    return PlainTextResponse("alive\n")


async def tell_readiness(request: Request) -> Response:
    """Say whether the store can be reached, with the tables that this code knows."""
    store = desk_of(request).writer.store
    try:
        async with asyncio.timeout(READY_SECONDS):
            is_current = await asyncio.to_thread(store.is_current)
    except (StoreError, TimeoutError):
        raise Refusal(503, "the store cannot be reached") from None
    if not is_current:
        raise Refusal(503, "the store has tables of another version")
    return PlainTextResponse("ready\n")
