"""Twilio's API over HTTP: who may ask, what befalls a request, and the answer (7.2, 7.3)."""

from __future__ import annotations

from dataclasses import replace

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.faults import close_socket
from sandbox.state import State
from sandbox.twilio.answers import Answer, refusal_answer
from sandbox.twilio.creating import Cut
from sandbox.twilio.exchange import Exchange
from sandbox.twilio.faults import Fault
from sandbox.twilio.login import Stranger, log_in
from sandbox.twilio.refusals import Refused
from sandbox.twilio.works import Asked, Work, do_work, find_work
from sandbox.web.intake import BadBody, read_body
from sandbox.web.strangers import StrangerWarning
from sandbox.web.urlencoded import read_pairs

MAX_FIELDS = 1000
_FOLDERS = ("/2010-04-01", "/lookups", "/messaging")
_CUT = Answer(closes=True)


def twilio_routes(state: State) -> list[Route]:
    """Return the routes of Twilio's products; what is not there is refused in Twilio's shape."""
    endpoint = TwilioEndpoint(state)
    return [Route(f"{folder}/{{rest:path}}", endpoint) for folder in _FOLDERS]


class TwilioEndpoint:
    """ASGI endpoint of every address of Twilio's."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._strangers = StrangerWarning()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except BadBody as error:
            answer = Answer(error.status)
        if answer.closes:
            await close_socket(scope)
            return
        headers = {"Twilio-Request-Duration": "0.010", **answer.headers}
        response = Response(answer.body, answer.status, headers, media_type=answer.content_type)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Answer:
        work, names = find_work(request.method, request.url.path)
        try:
            form = read_pairs(await read_body(request), MAX_FIELDS)
        except ValueError:
            return refusal_answer(Refused(20001, detail="The body has too many fields."))
        query = dict(request.query_params)
        asked = Asked(request.method, request.url.path, query, form, names)
        try:
            return await self._admitted(asked, work, authorization=request.headers.get("authorization", ""))
        except Cut:
            return _CUT
        except Refused as refusal:
            if isinstance(refusal, Stranger):
                self._strangers.warn()
            return refusal_answer(refusal)

    async def _admitted(self, asked: Asked, work: Work | None, *, authorization: str) -> Answer:
        exchange = self._state.twilio
        account = asked.names.get("account", "")
        is_test = log_in(exchange.config, authorization, account=account, path=asked.path)
        asked = replace(asked, is_test=is_test)
        try:
            exchange.throttle.enter(exchange.config.limits)
            answer = await _worked(exchange, asked, work=work)
            await anyio.sleep(answer.wait_seconds)
        finally:
            exchange.throttle.leave()
        return answer


async def _worked(exchange: Exchange, asked: Asked, *, work: Work | None) -> Answer:
    """Do the work, or what a fault makes of it."""
    fault = exchange.faults.take(asked.method)
    if fault is not None and not fault.is_after:
        return _fault_answer(fault)
    answer = await run_in_threadpool(do_work, exchange, work, asked=asked)
    return answer if fault is None else _fault_answer(fault)


def _fault_answer(fault: Fault) -> Answer:
    return Answer(
        fault.status,
        fault.body.encode(),
        fault.headers.get("Content-Type", "application/json"),
        fault.headers,
        wait_seconds=fault.seconds,
        closes=fault.closes,
    )
