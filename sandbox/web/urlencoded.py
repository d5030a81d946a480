"""Takes apart a body of `application/x-www-form-urlencoded`, fast also where it holds megabytes of JSON."""

from __future__ import annotations

from binascii import a2b_qp
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

# Escapes like %0A are those of quoted-printable but for their sign, and for these there is a reader in C;
# the library's own makes an object of each escape.
_QUOTED_PRINTABLE = bytes.maketrans(b"%+", b"= ")
MAX_SLICE = 1 << 16


def read_pairs(body: bytes, max_fields: int) -> list[tuple[str, str]]:
    """Return names and values, blank ones too; raises ValueError when there are too many."""
    if body.count(b"&") >= max_fields:
        raise ValueError("too many fields")
    parts = (part.partition(b"=") for part in body.split(b"&") if part)
    return [(_unquote(name), _unquote(value)) for name, _, value in parts]


def _unquote(text: bytes) -> str:
    plain = a2b_qp(text.translate(_QUOTED_PRINTABLE))
    # A whole escape is two bytes longer than what it stands for; half ones, and bare signs that mean
    # something else in quoted-printable, are the library's.
    are_whole = len(text) - len(plain) == 2 * text.count(b"%")
    if not are_whole or any(sign in text for sign in (b"=", b"\r", b"\n")):
        plain = b"".join(map(unquote_to_bytes, _slices(text.replace(b"+", b" "))))
    return plain.decode("utf-8", "replace")


def _slices(text: bytes) -> Iterator[bytes]:
    """Cut a text in front of escapes: objects for all of them at once are too many for the memory."""
    start = 0
    while len(text) - start > MAX_SLICE:
        cut = text.find(b"%", start + MAX_SLICE)
        if cut < 0:
            break
        yield text[start:cut]
        start = cut
    yield text[start:]
