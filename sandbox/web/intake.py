"""Reads the body of an API request, within bounds (A.1, A.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from sandbox.call import Call, Upload, read_call
from sandbox.web.urlencoded import read_pairs

MAX_BODY_BYTES = 256 << 20
MAX_FIELDS = 200_000
MAX_XML_BYTES = 8 << 30


@dataclass(frozen=True)
class Received:
    """A request's form fields and the size of its body."""

    call: Call
    size: int


class BadBody(Exception):
    """A body that cannot be read, or that is larger than the server takes."""

    def __init__(self, status: int) -> None:
        super().__init__("the body cannot be used")
        self.status = status


async def receive_call(request: Request, *, strict_arrays: bool = False) -> Received:
    """Read a form in either encoding; raises `BadBody`."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise BadBody(413)
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _receive_multipart(request, strict_arrays=strict_arrays)
    body = await read_body(request)
    # Large bodies take seconds to take apart; other requests are not to wait for that.
    call = await run_in_threadpool(_read_form, body, strict_arrays=strict_arrays)
    return Received(call, len(body))


async def read_body(request: Request) -> bytes:
    """Read a whole body; raises `BadBody` at the limit."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise BadBody(413)
        chunks.append(chunk)
    return b"".join(chunks)


def _read_form(body: bytes, *, strict_arrays: bool) -> Call:
    try:
        pairs = read_pairs(body, MAX_FIELDS)
    except ValueError as error:
        raise BadBody(400) from error
    return read_call(pairs, strict_arrays)


async def _receive_multipart(request: Request, *, strict_arrays: bool) -> Received:
    form, size = await _read_form_data(request)
    try:
        return Received(await _call_of(form, strict_arrays=strict_arrays), size)
    finally:
        await form.close()


async def write_body(request: Request, file: IO[bytes]) -> None:
    """Write a body that may be very large into a file, and go to its start; raises `BadBody`."""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_XML_BYTES:
            raise BadBody(413)
        file.write(chunk)
    file.seek(0)


async def read_page_form(request: Request) -> FormData:
    """Read a browser's form; raises `BadBody`."""
    form, _ = await _read_form_data(request)
    return form


async def _read_form_data(request: Request) -> tuple[FormData, int]:
    counted = _Counted(request)
    try:
        form = await Request(request.scope, counted.receive).form(
            max_fields=MAX_FIELDS, max_part_size=MAX_BODY_BYTES
        )
    except (HTTPException, LookupError, UnicodeError) as error:
        # The second is a character set that does not exist.
        raise BadBody(400) from error
    return form, counted.size


async def _call_of(form: FormData, *, strict_arrays: bool) -> Call:
    texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    # Some character sets, such as UTF-7, spell half a character, which nothing can store.
    pairs = [(_whole(name), _whole(value)) for name, value in texts]
    file = form.get("file")
    if not isinstance(file, UploadFile):
        return read_call(pairs, strict_arrays)
    mime = file.content_type or "application/octet-stream"
    return read_call(pairs, strict_arrays, upload=Upload(file.filename or "", mime, await file.read()))


def _whole(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class _Counted:
    """Passes a body on and stops it at the limit."""

    def __init__(self, request: Request) -> None:
        self._request, self.size = request, 0

    async def receive(self) -> Message:
        message = await self._request.receive()
        self.size += len(message.get("body", b""))
        if self.size > MAX_BODY_BYTES:
            raise BadBody(413)
        return message
