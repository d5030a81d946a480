"""News of the messages as they happen, as server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from sandbox.state import State

_PAUSE_SECONDS = 0.2


def news_endpoint(state: State) -> Callable[[Request], Any]:
    """Make the endpoint that tells what happens from now on, or after `Last-Event-ID`."""

    async def endpoint(request: Request) -> Response:
        given = request.headers.get("last-event-id", "")
        feed = state.twilio.feed
        start = int(given) if given.isdecimal() and len(given) < 10 else feed.last()
        return StreamingResponse(_stream(state, start), media_type="text/event-stream")

    return endpoint


async def _stream(state: State, number: int) -> AsyncIterator[str]:
    yield ": news of the sandbox's messages\n\n"
    while True:
        for news in state.twilio.feed.after(number):
            number = news.number
            yield f"id: {number}\nevent: {news.kind}\ndata: {json.dumps(asdict(news))}\n\n"
        await anyio.sleep(_PAUSE_SECONDS)
