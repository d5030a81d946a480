"""What a control request says: the project in its path, and the members of its JSON body."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Any

from sandbox.errors import ApiError

_TRUE = ("1", "true", "on", "yes")
_FALSE = ("", "0", "false", "off", "no")


@dataclass(frozen=True)
class Order:
    """A request's members, which may be JSON values or a form's text; each reader refuses what is wrong.

    `source` is the body when it is a file and no JSON.
    """

    project_id: int = 0
    body: Mapping[str, Any] = field(default_factory=dict)
    source: IO[bytes] | None = None

    def text(self, name: str, default: str = "", *, longest: int = 1000) -> str:
        value = self.body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ApiError(f"{name} must be text.")
        if len(str(value)) > longest:
            raise ApiError(f"{name} may have at most {longest} characters.")
        return str(value).encode("utf-8", "replace").decode()

    def number(self, name: str, default: int, *, low: int, high: int) -> int:
        """Read a whole number between two bounds."""
        value = self._float(name, default)
        if not low <= value <= high or value != int(value):
            raise ApiError(f"{name} must be a whole number from {low} to {high}.")
        return int(value)

    def decimal(self, name: str, default: float, *, low: float, high: float) -> float:
        """Read a number between two bounds."""
        value = self._float(name, default)
        if not low <= value <= high:
            raise ApiError(f"{name} must be a number from {low:g} to {high:g}.")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.body.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        word = str(value).lower()
        if word not in (*_TRUE, *_FALSE):
            raise ApiError(f"{name} must be true or false.")
        return word in _TRUE

    def choice(self, name: str, default: str, *, of: type[StrEnum]) -> str:
        """Read one of a few words."""
        word = self.text(name, default)
        words = [str(one) for one in of]
        if word not in words:
            raise ApiError(f"{name} must be one of: {', '.join(words)}.")
        return word

    def part(self, name: str) -> Order:
        """Read an object inside the body; one that is missing is empty."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, dict):
            raise ApiError(f"{name} must be an object.")
        return Order(self.project_id, value or {})

    def _float(self, name: str, default: float) -> float:
        value = self.body.get(name)
        if value is None or value == "":
            return default
        try:
            found = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            found = math.nan
        if not math.isfinite(found):
            raise ApiError(f"{name} must be a number.")
        return found
