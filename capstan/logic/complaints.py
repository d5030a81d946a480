"""Says in one sentence what is wrong with an expression, and where."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from lark.exceptions import UnexpectedInput, UnexpectedToken

from capstan.errors import LogicError

_OPERANDS = frozenset({"NUMBER", "STRING", "REFERENCE", "NAME", "LPAR", "MINUS"})
_STRINGS = re.compile(r"""'[^']*'|"[^"]*"|\[[^\[\]]*\]""")
_CURLY_QUOTES = "‘’‚“”„«»´`"


def complaint(sentence: str, position: int) -> LogicError:
    """Make the error of a place, before it is known in which text that place is."""
    return LogicError(sentence, position=position)


def suggest(name: str, known: Iterable[str]) -> str:
    """Give ` Did you mean 'x'?`, or nothing when no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


def within(text: str, error: LogicError) -> LogicError:
    """Give the same error with the expression that it is about, so that it can show a caret."""
    return LogicError(error.message, expression=text, position=error.position)


def explain(error: UnexpectedInput, text: str) -> LogicError:
    """Turn the parser's error into a sentence and the offset of the first wrong character."""
    if isinstance(error, UnexpectedToken):
        return _about_token(error, text)
    position = error.pos_in_stream or 0
    return complaint(_about_character(text, position), position)


def _about_character(text: str, position: int) -> str:
    character = text[position]
    if character == "[":
        return "This square bracket is not closed as a reference: write [field] or [event][field]."
    if character in _CURLY_QUOTES:
        return "This is not a plain quote: use ' or \"."
    if character in "&|":
        return f"A single '{character}' is no operator: write 'and' or 'or'."
    return f"The character '{character}' does not belong in logic."


def _about_token(error: UnexpectedToken, text: str) -> LogicError:
    kind, position = error.token.type, error.token.start_pos or 0
    needs_operand = "NUMBER" in error.expected
    if kind == "$END":
        return _about_end(text, needs_operand=needs_operand)
    if kind == "RPAR" and _open_bracket(text[:position]) is None:
        return complaint("This closing bracket has no opening one.", position)
    if needs_operand:
        return complaint(f"An operand is missing before '{error.token}'.", position)
    if kind in _OPERANDS:
        return complaint("An operator is missing before this.", position)
    return complaint(_about_operator(kind), position)


def _about_end(text: str, *, needs_operand: bool) -> LogicError:
    opened = _open_bracket(text)
    if needs_operand or opened is None:
        return complaint("The expression ends too early: an operand is missing.", len(text.rstrip()))
    return complaint("This bracket is never closed.", opened)


def _about_operator(kind: str) -> str:
    match kind:
        case "COMPARE":
            return "Comparisons cannot be chained: join two of them with 'and'."
        case "POWER":
            return "Powers cannot be chained: put one of them in brackets, as in (a)^(b)."
        case _:
            return "A comma may only stand between the arguments of a function."


def _open_bracket(text: str) -> int | None:
    plain = _STRINGS.sub(lambda found: " " * len(found.group()), text)
    opened: list[int] = []
    for position, character in enumerate(plain):
        if character == "(":
            opened.append(position)
        elif character == ")" and opened:
            opened.pop()
    return opened[-1] if opened else None
