"""Cells of tables that people open in a spreadsheet: none of them is a formula."""

from __future__ import annotations

# A spreadsheet takes a cell that begins so for a formula, and a formula can call out.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would compute."""
    # Blanks before the sign do not keep a spreadsheet from reading a formula.
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text.startswith(_FORMULA) else text
