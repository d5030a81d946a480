"""The API over HTTP: bodies in, answers with REDCap's headers out (A.1, A.2, A.5)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from sandbox.by_hand import write_cell
from sandbox.call import Call
from sandbox.errors import BAD_FORMAT, NO_METHOD
from sandbox.faults import Fault, Kind, close_socket
from sandbox.render import Answer, error_answer
from sandbox.state import Request, State
from sandbox.web.ban import BAN_PAGE, client_address
from sandbox.web.intake import BadBody, Received, receive_call
from sandbox.web.sending import Manner, send_answer
from sandbox.web.strangers import StrangerWarning

_HTML = "<!DOCTYPE html><html><head><title>REDCap</title></head><body><h1>Sandbox fault</h1></body></html>"
_PAGE = "text/html; charset=utf-8"


class ApiEndpoint:
    """ASGI endpoint of `/api/`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._strangers = StrangerWarning()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        try:
            received = await receive_call(request, strict_arrays=self._state.strict_arrays)
        except BadBody as error:
            await send_answer(send, _refused_body(error.status))
            return
        fault = self._state.faults.take(received.call.content, received.call.verb)
        kind = None if fault is None else fault.kind
        note = partial(self._note, request=request, received=received, fault=fault)
        if kind is Kind.CLOSE_BEFORE:
            note(status=0)
            await close_socket(scope)
            return
        answer = await self._answer(request, received.call, fault=fault)
        if kind is Kind.CLOSE_AFTER:
            answer.close()
            note(status=answer.status)
            await close_socket(scope)
            return
        manner = Manner(
            request.is_disconnected,
            note=partial(note, status=answer.status),
            gzipped=_wants_gzip(request),
            is_cut=kind is Kind.TRUNCATED,
            row_seconds=fault.seconds if fault is not None and kind is Kind.ROW_LATENCY else 0.0,
        )
        await send_answer(send, answer, manner=manner)

    async def _answer(self, request: HttpRequest, call: Call, *, fault: Fault | None) -> Answer:
        """Answer a request, with what a fault does before and after the work."""
        if fault is not None and fault.kind is Kind.LATENCY:
            await anyio.sleep(fault.seconds)
        if fault is not None and fault.kind is Kind.BAN:
            self._state.limit.ban(client_address(request.scope))
        answer = _early_answer(fault)
        if answer is None:
            call = replace(call, base_url=self._site(request))
            answer = await run_in_threadpool(self._work, request.method, call)
        if fault is not None and fault.write is not None:
            await run_in_threadpool(write_cell, self._state, fault.write)
        return answer

    def _site(self, request: HttpRequest) -> str:
        try:
            return f"{request.url.scheme}://{request.url.netloc}"
        except ValueError:
            # The client called the server by a name that can be no address.
            return self._state.base_url.removesuffix("/")

    def _work(self, method: str, call: Call) -> Answer:
        if method != "POST" or not call.fields:
            return error_answer(NO_METHOD, call.answer_format, status=501)
        answer = self._state.answer(call)
        if answer.status == 403 and not self._is_own(call.text("token").strip()):
            self._strangers.warn()
        return answer

    def _is_own(self, token: str) -> bool:
        projects = self._state.store.projects
        # Without a token there is nothing that somebody should keep away from here.
        with self._state.lock:
            return not token or token == projects.super_token() or projects.token_owner(token) is not None

    def _note(
        self,
        sent_bytes: int = 0,
        *,
        request: HttpRequest,
        received: Received,
        status: int,
        fault: Fault | None,
    ) -> None:
        call = received.call
        note = Request(
            at=self._state.clock.stamp(),
            method=request.method,
            content=_known_word(call.content),
            action=call.verb,
            received_bytes=received.size,
            sent_bytes=sent_bytes,
            status=status,
            fault="" if fault is None else fault.kind.value,
        )
        self._state.requests.append(note)


def _known_word(content: str) -> str:
    """Return what may be listed: somebody may have sent a value or a token as the content."""
    return content if content.isidentifier() and len(content) <= 30 else ""


def _refused_body(status: int) -> Answer:
    if status == 413:
        return Answer(
            "<!DOCTYPE html><html><head><title>413 Request Entity Too Large</title></head></html>", _PAGE, 413
        )
    return error_answer(BAD_FORMAT, "xml", status=status)


def _early_answer(fault: Fault | None) -> Answer | None:
    """Return the answer of a fault that keeps the work from being done."""
    if fault is None:
        return None
    match fault.kind:
        case Kind.STATUS:
            return Answer(_HTML, _PAGE, fault.status)
        case Kind.HTML:
            return Answer(_HTML, _PAGE)
        case Kind.BAN:
            return Answer(BAN_PAGE, _PAGE)
        case Kind.EMPTY:
            return Answer("", _PAGE)
        case _:
            return None


def _wants_gzip(request: HttpRequest) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "").lower()
