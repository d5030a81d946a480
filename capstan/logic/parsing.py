"""Reads the logic language into expressions."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import resources
from typing import Any, TypeAlias, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from capstan.errors import LogicError
from capstan.logic.complaints import complaint, explain, suggest, within
from capstan.logic.functions import FUNCTIONS
from capstan.logic.references import read_reference
from capstan.logic.syntax import Apply, Constant, Expression, Load, Step
from capstan.logic.temporal import UNITS

Steps: TypeAlias = tuple[Step, ...]

_QUOTED_OR_COMMENT = re.compile(r"""'[^']*'|"[^"]*"|^[ \t]*(?:\#|//)[^\n]*|['"]""", re.MULTILINE)
_SIGNS = {"!=": "<>", "&&": "and", "||": "or"}
_TRUTHS = {"true": True, "false": False}


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Read an expression; raise LogicError, with position and caret, when it is not one.

    Text that is empty but for blanks and comments is an expression too: its value is blank and it holds
    for every row, as an empty branching logic or filter does.
    """
    try:
        steps = _steps(_without_comments(text))
    except LogicError as error:
        raise within(text, error) from None
    return Expression(text, tuple(step.reference for step in steps if isinstance(step, Load)), steps)


def _steps(text: str) -> Steps:
    if not text.strip():
        return ()
    try:
        return cast(Steps, _grammar().parse(text))
    except UnexpectedInput as error:
        raise explain(error, text) from None


def _without_comments(text: str) -> str:
    def keep_or_blank(found: re.Match[str]) -> str:
        part = found.group()
        if part in ("'", '"'):
            raise complaint("This quote is never closed.", found.start())
        return part if part[0] in "'\"" else " " * len(part)

    return _QUOTED_OR_COMMENT.sub(keep_or_blank, text)


@cache
def _grammar() -> Lark:
    source = resources.files("capstan.logic").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(source, parser="lalr", transformer=_Steps())


class _Steps(Transformer[Token, Steps]):
    """Turns each rule, while it is read, into the steps that compute it."""

    def number(self, parts: list[Token]) -> Steps:
        return (Constant(float(parts[0])),)

    def string(self, parts: list[Token]) -> Steps:
        return (Constant(str(parts[0])[1:-1]),)

    def reference(self, parts: list[Token]) -> Steps:
        return (Load(read_reference(str(parts[0]), _position(parts[0]))),)

    def word(self, parts: list[Token]) -> Steps:
        word = parts[0].lower()
        if word not in _TRUTHS:
            raise complaint(_about_word(str(parts[0])), _position(parts[0]))
        return (Constant(_TRUTHS[word]),)

    def negative(self, parts: list[Any]) -> Steps:
        return (*parts[1], Apply("negative", 1, _position(parts[0])))

    def call(self, parts: list[Any]) -> Steps:
        name, arguments = parts[0], parts[1:]
        _refuse_wrong_call(name, arguments)
        return (*_joined(arguments), Apply(name.lower(), len(arguments), _position(name)))

    def chain(self, parts: list[Any]) -> Steps:
        steps = list(parts[0])
        for sign, operand in zip(parts[1::2], parts[2::2], strict=True):
            name = _SIGNS.get(sign, sign.lower())
            steps += [*operand, Apply(name, 2, _position(sign))]
        return tuple(steps)

    disjunction = conjunction = comparison = sum = product = power = chain


def _joined(arguments: list[Steps]) -> Steps:
    return tuple(step for argument in arguments for step in argument)


def _position(token: Token) -> int:
    return token.start_pos or 0


def _about_word(word: str) -> str:
    if word.lower() in FUNCTIONS:
        return f"The function '{word}' needs its arguments in brackets."
    return f"'{word}' stands alone: write a field as [{word}] and a text in quotes."


def _refuse_wrong_call(name: Token, arguments: list[Steps]) -> None:
    function = FUNCTIONS.get(name.lower())
    if function is None:
        raise complaint(_about_unknown_function(str(name)), _position(name))
    if not function.accepts(len(arguments)):
        given = f"{len(arguments)} {'was' if len(arguments) == 1 else 'were'} given"
        raise complaint(f"'{name}' takes {function.arity}; {given}.", _position(name))
    if name.lower() == "datediff":
        _refuse_unknown_unit(arguments[2], _position(name))


def _about_unknown_function(name: str) -> str:
    if name.lower() == "not":
        return "There is no 'not': compare with <> instead."
    return f"There is no function '{name}'.{suggest(name.lower(), FUNCTIONS)}"


def _refuse_unknown_unit(unit: Steps, position: int) -> None:
    match unit:
        case (Constant(value=str(text)),) if text not in UNITS:
            raise complaint(f"'{text}' is no unit of datediff: use one of {', '.join(UNITS)}.", position)
        case _:
            return
