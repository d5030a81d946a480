"""Reads REDCap's list of refused rows, keeping record, field and reason and dropping the value."""

from __future__ import annotations

import csv
import io
import re

from capstan.redcap.sentences import ROW_REASONS

RefusedRow = tuple[str, str, str]

# For lines whose inner quotation marks REDCap did not double: a reason ends a line, and a value may not.
_LOOSE_ROW = re.compile(
    r'"(?P<record>[^"\n]*)","(?P<field>\w*)","(?P<value>.*?)","(?P<reason>[^"]*)"(?=\n"|\s*\Z)', re.DOTALL
)


def refused_rows(message: str) -> tuple[RefusedRow, ...]:
    """Return (record, field, reason) of each row in an import's error text; empty when it is not a list.

    Each line of the text is record, field, value and message, all quoted (section D.8).
    """
    if not message.lstrip().startswith('"'):
        return ()
    rows = _strict(message) or _loose(message)
    return tuple((record, field, _without(value, reason)) for record, field, value, reason in rows)


def _strict(message: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(message.strip(), newline=""), strict=True)
    try:
        rows = [row for row in reader if row]
    except csv.Error:
        return []
    is_list = all(len(row) == 4 and re.fullmatch(r"\w*", row[1]) for row in rows)
    return rows if is_list else []


def _loose(message: str) -> list[tuple[str, ...]]:
    return [match.groups() for match in _LOOSE_ROW.finditer(message)]


def _without(value: str, reason: str) -> str:
    if not value.strip() or ROW_REASONS.fullmatch(reason):
        return reason
    return (
        reason.replace(value, "…")
        if len(value) > 2
        else re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", reason)
    )
