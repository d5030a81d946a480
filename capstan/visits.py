"""Expected visits: when they are due, how they stand, and what is written about them."""

from __future__ import annotations

from capstan.periods import Period

__all__ = ["Period"]
