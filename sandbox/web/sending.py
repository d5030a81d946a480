"""Sends answers: headers as REDCap has them, gzip where it is accepted, long bodies while they are made."""

from __future__ import annotations

import gzip
import secrets
import string
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.types import Send

from sandbox.render import Answer, Part, Stream

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
_GZIP_WINDOW = 31


@dataclass(frozen=True)
class Manner:
    """How one answer is sent.

    `is_gone` tells whether the client hung up; `note` is told the size of the body before its end is sent.
    `is_cut` breaks off in the middle; `row_seconds` is waited for every row of a streamed export.
    """

    is_gone: Callable[[], Awaitable[bool]] | None = None
    note: Callable[[int], object] = lambda _: None
    gzipped: bool = False
    is_cut: bool = False
    row_seconds: float = 0.0


async def send_answer(send: Send, answer: Answer, *, manner: Manner = Manner()) -> None:
    """Send an answer, and let go of what it was read from, also when the client hung up."""
    if isinstance(answer.body, Stream):
        try:
            await _send_stream(send, answer, stream=answer.body, manner=manner)
        finally:
            # A cancelled request closes too; closing waits for nothing.
            answer.body.close()
    else:
        await _send_whole(send, answer, manner=manner)


async def _send_whole(send: Send, answer: Answer, *, manner: Manner) -> None:
    body = answer.content
    manner.note(len(body))
    is_packed = manner.gzipped and bool(body)
    if is_packed:
        body = gzip.compress(body, compresslevel=1)
    await _start(send, answer, is_packed=is_packed, length=len(body))
    if manner.is_cut:
        # Half of the promised bytes, and then the server closes the connection.
        await _body(send, body[: len(body) // 2], is_more=True)
        return
    await _body(send, body, is_more=False)


async def _send_stream(send: Send, answer: Answer, *, stream: Stream, manner: Manner) -> None:
    parts = _Outgoing(stream.parts, manner.gzipped)
    await _start(send, answer, is_packed=manner.gzipped, length=None)
    try:
        # Each part is made when the client has taken the one before, and without holding up other requests.
        while (part := await run_in_threadpool(parts.take)) is not None:
            await anyio.sleep(part.rows * manner.row_seconds)
            end = len(part.content) // 2 if manner.is_cut else len(part.content)
            await _body(send, part.content[:end], is_more=True)
            if manner.is_cut or (manner.is_gone is not None and await manner.is_gone()):
                return
    finally:
        manner.note(parts.size)
    await _body(send, parts.end(), is_more=False)


class _Outgoing:
    """The parts of a body, packed where that is asked for; `size` is that of what was taken, unpacked."""

    def __init__(self, parts: Iterator[Part], is_packed: bool) -> None:
        self._parts = parts
        self._packer = zlib.compressobj(1, wbits=_GZIP_WINDOW) if is_packed else None
        self.size = 0

    def take(self) -> Part | None:
        part = next(self._parts, None)
        if part is None:
            return None
        self.size += len(part.content)
        return part if self._packer is None else Part(self._packer.compress(part.content), part.rows)

    def end(self) -> bytes:
        return b"" if self._packer is None else self._packer.flush()


async def _start(send: Send, answer: Answer, *, is_packed: bool, length: int | None) -> None:
    headers = {**_HEADERS, **answer.headers, "Content-Type": answer.content_type, "Connection": "close"}
    # Text of random length keeps the size of an answer from telling what is in it.
    headers["REDCap-Random-Text"] = "".join(
        secrets.choice(_LETTERS) for _ in range(1 + secrets.randbelow(60))
    )
    if is_packed:
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = "Accept-Encoding"
    if length is not None:
        headers["Content-Length"] = str(length)
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})


async def _body(send: Send, body: bytes, *, is_more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": is_more})
