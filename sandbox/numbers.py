"""Numbers in text that comes from outside: within bounds, never infinite."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[-+]?[0-9]{1,9}(\.[0-9]{1,9})?")
_WHOLE = re.compile(r"[0-9]{1,9}")


def is_number(text: str) -> bool:
    """Tell whether a text is a number that `read_number` reads."""
    return _NUMBER.fullmatch(text.strip()) is not None


def read_number(text: str, default: float = 0) -> float:
    """Read a number, or the default where there is none."""
    return float(text) if is_number(text) else default


def read_whole(text: str, default: int = 1) -> int:
    """Read a whole number from 1 on, or the default where there is none."""
    return int(text) or default if _WHOLE.fullmatch(text.strip()) else default
