"""Refusals: what REDCap itself says of rows that it does not take."""

from __future__ import annotations


def refusal_check(reason: str) -> str:
    """The check that REDCap's reason for a refused row belongs to: no export says what is locked."""
    return "locked" if "locked" in reason.lower() else "row_refused"
