"""Writes a call's parameters as the form fields that REDCap reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote_plus

from capstan.errors import UsageError

Value = str | int | bool | Sequence[str] | None

# PHP drops form fields beyond max_input_vars (1000 by default) without a word.
MAX_FORM_FIELDS = 900

_UNSAFE = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~ "))


def form_fields(parameters: Mapping[str, Value]) -> list[tuple[str, str]]:
    """Return the form fields of a call: arrays as `fields[0]=a`, the longest as `a,b` where all are too many.

    None, empty text and empty arrays are left out, which to REDCap means no filter. Source: A.1, A.6.
    """
    given = {name: _plain(value) for name, value in parameters.items()}
    given = {name: value for name, value in given.items() if value}
    for name in _longest_first(given):
        if _count(given) <= MAX_FORM_FIELDS:
            break
        given[name] = ",".join(given[name])
    if _count(given) > MAX_FORM_FIELDS:
        raise UsageError("Too many names hold commas for one call to REDCap: ask for fewer at once.")
    return list(_flat(given))


def encoded_size(text: str) -> int:
    """Return how many bytes `text` takes once it is url-encoded."""
    raw = text.encode()
    unsafe = len(raw) - len(raw.translate(None, _UNSAFE))
    return len(raw) + 2 * unsafe


def form_body(parameters: Mapping[str, Value]) -> str:
    """Return the url-encoded body of a call, without the token."""
    return "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in form_fields(parameters))


def listed(names: Sequence[str]) -> tuple[str, ...]:
    """Return names as a tuple; one text in place of a list would be read as its letters, so it is refused."""
    if isinstance(names, str):
        raise UsageError("A list of names is needed here, and one text was given: put it into a list.")
    return tuple(names)


def natural_order(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key for record ids in REDCap's order: numbers by value, letters after digits (C.5)."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    return tuple((0, int(part), part) if part[0] in "0123456789" else (1, 0, part) for part in parts)


def _plain(value: Value) -> str | tuple[str, ...]:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    return tuple(value)


def _longest_first(given: Mapping[str, str | tuple[str, ...]]) -> list[str]:
    arrays = [
        (len(value), name)
        for name, value in given.items()
        if isinstance(value, tuple) and not any("," in item for item in value)
    ]
    return [name for _, name in sorted(arrays, reverse=True)]


def _count(given: Mapping[str, str | tuple[str, ...]]) -> int:
    return sum(1 if isinstance(value, str) else len(value) for value in given.values())


def _flat(given: Mapping[str, str | tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        if isinstance(value, str):
            yield name, value
        else:
            yield from ((f"{name}[{index}]", item) for index, item in enumerate(value))
