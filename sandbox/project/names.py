"""How REDCap derives names, and which names records may have and how they are ordered."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import chain, count
from string import ascii_lowercase

MAX_NAME = 18
MAX_RECORD = 100
# These texts were never recorded (J.1).
NO_RECORD = "The record ID field must have a value."
LONG_RECORD = "The record ID may have no more than 100 characters."
ODD_RECORD = "The record ID may not have line breaks, tabs or other control characters."
# Python reads no longer numbers; no id has them, but somebody may try.
MAX_DIGITS = 4000
_DIGITS = re.compile(r"(\d+)")
_NAME = re.compile(r"[a-z0-9_]{1,100}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_WORD = re.compile(r"[^a-z0-9]+")


def name_problem(record: str) -> str:
    """Return why a record cannot have this name; '' when it can."""
    if not record:
        return NO_RECORD
    if len(record) > MAX_RECORD:
        return LONG_RECORD
    return ODD_RECORD if _CONTROL.search(record) else ""


def natural_key(text: str) -> tuple[str | int, ...]:
    """Return a sort key that orders ids as people do: 2 before 10, "331-2" before "331-10"."""
    parts = _DIGITS.split(text.upper())
    # Odd positions are always digits, so keys compare text with text and number with number.
    return tuple(int(part[:MAX_DIGITS]) if index % 2 else part for index, part in enumerate(parts))


def unique_event_name(label: str, arm_num: int, *, taken: Collection[str]) -> str:
    """Derive an event's unique name from its label (B.7)."""
    stem = _NOT_WORD.sub("_", label.lower()).strip("_")[:MAX_NAME].rstrip("_")
    return _free(f"{stem}_arm_{arm_num}", taken)


def unique_group_name(label: str, taken: Collection[str]) -> str:
    """Derive an access group's unique name from its label (B.10)."""
    spaced = re.sub(r"\s+", "_", label.lower().strip())
    # A label without Latin letters leaves nothing, but a group needs a name; not recorded (J.1).
    return _free(re.sub(r"[^a-z0-9_]", "", spaced)[:MAX_NAME] or "group", taken)


def checkbox_column(field: str, code: str) -> str:
    """Return the flat column of one checkbox option (C.2): `-99` of `f` is `f____99`."""
    return f"{field}___{re.sub(r'[^a-z0-9_]', '_', code.lower())}"


def is_name(text: str) -> bool:
    """Tell whether a text can be the unique name of something."""
    return _NAME.fullmatch(text) is not None


def field_name(text: str) -> str:
    """Return what REDCap makes of a variable's name: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9_]", "", text.strip().lower())


def form_name(label: str, taken: Collection[str] = ()) -> str:
    """Derive a form's name from what a dictionary calls it."""
    return _free(re.sub(r"[^a-z0-9_]+", "_", label.strip().lower()), taken)


def slug(title: str) -> str:
    """Return the title as project XML spells it in its identifiers (E.1)."""
    words = title.split()
    return re.sub(r"[^A-Za-z0-9]", "", "".join(word[:1].upper() + word[1:] for word in words))[:30]


def next_number(records: Collection[str], prefix: str = "") -> int:
    """Return the number after the largest id that is an integer behind the prefix."""
    rests = (record.removeprefix(prefix) for record in records if record.startswith(prefix))
    return max((int(rest) for rest in rests if rest.isdecimal() and rest.isascii()), default=0) + 1


def _free(name: str, taken: Collection[str]) -> str:
    if name not in taken:
        return name
    # After "b" to "z" come numbers; so many namesakes were not recorded (J.1).
    endings = chain(ascii_lowercase[1:], map(str, count(2)))
    return next(name + ending for ending in endings if name + ending not in taken)
