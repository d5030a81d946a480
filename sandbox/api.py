"""The API over HTTP: bodies in, answers with REDCap's headers out (A.1, A.2, A.5)."""

from __future__ import annotations

import gzip
import secrets
import string
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from sandbox.call import Call, Upload, read_call
from sandbox.errors import NO_METHOD
from sandbox.faults import Fault, Kind, close_socket
from sandbox.render import Answer, error_answer
from sandbox.state import Request, State

_HTML = "<!DOCTYPE html><html><head><title>REDCap</title></head><body><h1>Sandbox fault</h1></body></html>"
_HEADERS = {
    "Expires": "0",
    "Cache-Control": "no-store, no-cache, must-revalidate",
    "Pragma": "no-cache",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Origin, X-Requested-With, Content-Type, Accept",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "X-Frame-Options": "SAMEORIGIN",
}
_LETTERS = string.ascii_letters + string.digits
MAX_FIELDS = 1_000_000
MAX_PART_BYTES = 1 << 30


@dataclass(frozen=True)
class Received:
    """A request's form fields and the size of its body."""

    call: Call
    size: int


class ApiEndpoint:
    """ASGI endpoint of `/api/`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        received = await self._receive(request)
        fault = self._state.faults.take(received.call.content, received.call.verb)
        if fault is not None and fault.kind == Kind.LATENCY:
            await anyio.sleep(fault.seconds)
        early = _early_answer(fault)
        if fault is not None and fault.kind == Kind.CLOSE_BEFORE:
            self._note(request, received, answer=Answer("", status=0), fault=fault)
            await close_socket(scope)
            return
        answer = (
            early if early is not None else await run_in_threadpool(self._work, request.method, received.call)
        )
        self._note(request, received, answer=answer, fault=fault)
        if fault is not None and fault.kind == Kind.CLOSE_AFTER:
            await close_socket(scope)
            return
        is_cut = fault is not None and fault.kind == Kind.TRUNCATED
        await _send(send, answer, gzipped=_wants_gzip(request), is_cut=is_cut)

    async def _receive(self, request: HttpRequest) -> Received:
        strict = self._state.strict_arrays
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            form = await request.form(max_fields=MAX_FIELDS, max_part_size=MAX_PART_BYTES)
            pairs = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
            file = form.get("file")
            upload = await _read_upload(file) if isinstance(file, UploadFile) else None
            size = int(request.headers.get("content-length") or sum(len(value) for _, value in pairs))
            return Received(read_call(pairs, strict, upload=upload), size)
        body = await request.body()
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        return Received(read_call(pairs, strict), len(body))

    def _work(self, method: str, call: Call) -> Answer:
        if method != "POST" or not call.fields:
            return error_answer(NO_METHOD, call.answer_format, status=501)
        with self._state.lock:
            return self._state.redcap.answer(call)

    def _note(self, request: HttpRequest, received: Received, *, answer: Answer, fault: Fault | None) -> None:
        call = received.call
        note = Request(
            at=self._state.clock.stamp(),
            method=request.method,
            content=call.content,
            action=call.verb,
            received_bytes=received.size,
            sent_bytes=len(answer.content),
            status=answer.status,
            fault="" if fault is None else fault.kind.value,
        )
        self._state.requests.append(note)


async def _read_upload(file: UploadFile) -> Upload:
    mime = file.content_type or "application/octet-stream"
    return Upload(file.filename or "", mime, await file.read())


def _early_answer(fault: Fault | None) -> Answer | None:
    """Return the answer of a fault that keeps the work from being done."""
    if fault is None:
        return None
    match fault.kind:
        case Kind.STATUS:
            return Answer(_HTML, "text/html; charset=utf-8", fault.status)
        case Kind.HTML:
            return Answer(_HTML, "text/html; charset=utf-8")
        case Kind.EMPTY:
            return Answer("", "text/html; charset=utf-8")
        case _:
            return None


def _wants_gzip(request: HttpRequest) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "").lower()


async def _send(send: Send, answer: Answer, *, gzipped: bool, is_cut: bool) -> None:
    body = answer.content
    headers = {**_HEADERS, **answer.headers, "Content-Type": answer.content_type, "Connection": "close"}
    # Text of random length keeps the size of an answer from telling what is in it.
    length = 1 + secrets.randbelow(60)
    headers["REDCap-Random-Text"] = "".join(secrets.choice(_LETTERS) for _ in range(length))
    if gzipped and body:
        body = gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = "Accept-Encoding"
    headers["Content-Length"] = str(len(body))
    start: dict[str, Any] = {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    await send(start)
    if is_cut:
        # Half of the promised bytes, and then the server closes the connection.
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        return
    await send({"type": "http.response.body", "body": body})
