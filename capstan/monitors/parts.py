"""The parts of a wait's subject, and how they are put into a probe or a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

PART_NAMES = (
    "session",
    "timepoint",
    "study",
    "site",
    "subject",
    "number",
    "record",
    "event",
    "instance",
)
"""What a probe or a command may name; `timepoint` is the session's name without its number."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
# No blank, no slash, no wildcard, and no beginning that makes it an option or a hidden folder.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


def names_in(texts: Iterable[str]) -> frozenset[str]:
    """The names between braces."""
    return frozenset(name for text in texts for name in _PLACEHOLDER.findall(text))


def lacking(names: Iterable[str], parts: Mapping[str, str]) -> tuple[str, ...]:
    """The names whose part is blank, or has characters that could mean something else where it is put."""
    return tuple(sorted(name for name in names if not _PLAIN.fullmatch(parts.get(name, ""))))


def filled(text: str, parts: Mapping[str, str], *, quote: Callable[[str], str] = str) -> str:
    """The text with each part in its place, quoted as its new surroundings need it."""
    return _PLACEHOLDER.sub(lambda found: quote(parts[found[1]]), text)
