"""Reading: a request's body, no larger and no slower than expected, and the form in it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from starlette.requests import Request

from receiver.refusals import Refusal

MAX_BODY_BYTES = 64 << 10
MAX_FIELDS = 100
MAX_CHARACTERS = 2000
BODY_SECONDS = 10
# Control characters but tab and line ends, and halves of characters: nothing that people write.
_ODD = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\\ud800-\\udfff]")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


async def read_body(request: Request, *, types: Iterable[str] = (FORM,)) -> bytes:
    """Read the whole body of a request; raises Refusal for one that is large, slow, or of another type."""
    if media_type(request) not in types or "content-encoding" in request.headers:
        raise Refusal(415, "content type")
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told[:20]) > MAX_BODY_BYTES:
        raise Refusal(413, "too large")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read_up_to(request, MAX_BODY_BYTES)
    except TimeoutError:
        raise Refusal(408, "too slow") from None


def media_type(request: Request) -> str:
    """The type of a request's body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def read_form(body: bytes) -> dict[str, str]:
    """Read the fields of a form; raises Refusal for what no program of a partner's or REDCap's writes."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise Refusal(400, "unreadable form") from None
    return _checked(pairs)


def read_object(body: bytes) -> dict[str, str]:
    """Read a flat JSON object as text fields, as `read_form` does; true is "true", null is ""."""
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_Pairs, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise Refusal(400, "unreadable JSON") from None
    if not isinstance(found, _Pairs) or len(found) > MAX_FIELDS:
        raise Refusal(400, "no flat object")
    return _checked([(name, _text(value)) for name, value in found])


class _Pairs(list[tuple[str, object]]):
    """The members of an object, in which a repeated name is seen."""


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: ""}[value]
    if isinstance(value, str):
        return value
    raise Refusal(400, "no flat object")


def _checked(pairs: list[tuple[str, str]]) -> dict[str, str]:
    form = dict(pairs)
    if not form or len(form) < len(pairs) or not all(name.strip() for name in form):
        raise Refusal(400, "unclear fields")
    if any(len(text) > MAX_CHARACTERS or _ODD.search(text) for pair in pairs for text in pair):
        raise Refusal(400, "unusual text")
    return form


async def _read_up_to(request: Request, most: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise Refusal(413, "too large")
    return bytes(body)
