"""Reads the body of one answer as a stream and notices when it is cut short."""

from __future__ import annotations

import io
import re
import zlib
from typing import TYPE_CHECKING

from requests import Response

from capstan.errors import RedcapUnavailable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK_BYTES = 1 << 16
_TAIL_BYTES = 1024
_GZIP_WINDOW = 31


class Body(io.BufferedReader):
    """The decoded bytes of an answer, read once from front to back; it holds none but the last of them.

    `file_name` is '' unless the answer is a file.
    """

    def __init__(self, response: Response) -> None:
        self._source = _Source(response)
        self.file_name = _file_name(response.headers.get("Content-Type", ""))
        super().__init__(self._source, _CHUNK_BYTES)

    @property
    def tail(self) -> str:
        """The end of what was read, where PHP puts its error when it dies half way."""
        return self._source.tail.decode(errors="replace")

    @property
    def ends_as_csv(self) -> bool:
        """Tell whether what was read ends a line outside of quotation marks, as every CSV of REDCap does."""
        return self._source.tail.endswith(b"\n") and self._source.quotes % 2 == 0

    @property
    def has_escaped_quote(self) -> bool:
        """Tell whether a backslash stood before a quotation mark, which PHP's CSV may leave single."""
        return self._source.has_escaped_quote


class _Source(io.RawIOBase):
    """What lies below: gzip is undone here, because requests takes one that ends early for a whole one."""

    def __init__(self, response: Response) -> None:
        self._raw = response.raw
        is_packed = "gzip" in response.headers.get("Content-Encoding", "").lower()
        self._unpacker = zlib.decompressobj(_GZIP_WINDOW) if is_packed else None
        self._packed = b""
        self.tail, self.quotes, self.has_escaped_quote = b"", 0, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._next(len(view))
        view[: len(data)] = data
        self._notice(data)
        return len(data)

    def _next(self, size: int) -> bytes:
        if self._unpacker is None:
            return bytes(self._raw.read(size, decode_content=False))
        data = b""
        while not data and not self._unpacker.eof:
            self._packed = self._packed or self._raw.read(_CHUNK_BYTES, decode_content=False)
            data = _unpacked(self._unpacker, self._packed, size=size)
            self._packed = self._unpacker.unconsumed_tail
        return data

    def _notice(self, data: bytes) -> None:
        self.quotes += data.count(b'"')
        self.has_escaped_quote |= b'\\"' in self.tail[-1:] + data
        self.tail = (self.tail + data)[-_TAIL_BYTES:]


def _file_name(content_type: str) -> str:
    """The name that REDCap puts behind a file's type; headers arrive byte for byte, and hold UTF-8."""
    found = re.search(r'\bname="([^"]*)"', content_type)
    return found[1].encode("latin-1").decode("utf-8", errors="replace") if found else ""


def _unpacked(unpacker: zlib._Decompress, packed: bytes, *, size: int) -> bytes:
    try:
        data = unpacker.decompress(packed, size) if packed else None
    except zlib.error:
        data = None
    if data is None:
        raise RedcapUnavailable("REDCap's answer was cut short: the connection or a proxy failed. Try again.")
    return data
