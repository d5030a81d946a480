"""Dates as a form shows and takes them: in the field's own order (D.5)."""

from __future__ import annotations

import re

_ORDERS = {"ymd": (0, 1, 2), "mdy": (1, 2, 0), "dmy": (2, 1, 0)}
_LETTERS = "YMD"
_STORED = re.compile(r"(\d{4})-(\d{2})-(\d{2})(.*)")
_TYPED = re.compile(r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})(.*)", re.DOTALL)


def order_of(validation: str) -> tuple[int, ...] | None:
    """Return where year, month and day stand, or None for what is no date."""
    kind, _, order = validation.rpartition("_")
    return _ORDERS.get(order) if kind.startswith("date") else None


def shown(validation: str, stored: str) -> str:
    """Return a stored date as the form shows it; other values stay."""
    order, match = order_of(validation), _STORED.fullmatch(stored)
    if order is None or match is None:
        return stored
    return "-".join(match[1 + part] for part in order) + match[4]


def typed(validation: str, text: str) -> str:
    """Return a typed date as it is stored; what is none stays, for the check to refuse."""
    order, match = order_of(validation), _TYPED.fullmatch(text.strip())
    if order is None or match is None or len(match[1]) == len("2000"):
        return text
    parts = dict(zip(order, match.groups()[:3], strict=True))
    return f"{parts[0]}-{parts[1].zfill(2)}-{parts[2].zfill(2)}{match[4]}"


def pattern(validation: str) -> str:
    """Return the format that a person is to type, such as `M-D-Y H:M`, or '' for what is no date."""
    order = order_of(validation)
    if order is None:
        return ""
    clock = {"datetime": " H:M", "datetime_seconds": " H:M:S"}.get(validation.rpartition("_")[0], "")
    return "-".join(_LETTERS[part] for part in order) + clock
