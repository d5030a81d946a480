"""Calls: with which parameters a flow was started, and how one ends that is put off."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from hashlib import sha256
from inspect import signature
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

from capstan.errors import PutOff

P = ParamSpec("P")
R = TypeVar("R")


class Call(NamedTuple):
    """How a flow was called: whether with its defaults for its study, and what tells the call from others.

    A blank fingerprint is like no other: a function that is no flow.
    """

    is_plain: bool = False
    fingerprint: str = ""


_NO_CALL = Call()
_CALL = ContextVar("call", default=_NO_CALL)


def current_call() -> Call:
    """How the flow that runs now was called."""
    return _CALL.get()


def remembering(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function know how it was called; one that is put off ends with the summary that says so."""

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        token = _CALL.set(_describe(function, kwargs))
        try:
            return function(*args, **kwargs)
        except PutOff as error:
            if error.summary is None:
                raise
            return cast(R, error.summary)
        finally:
            _CALL.reset(token)

    return called


def _describe(function: Callable[..., Any], given: dict[str, Any]) -> Call:
    defaults = {name: item.default for name, item in signature(function).parameters.items()}
    chosen = {name: value for name, value in given.items() if value != defaults.get(name)}
    text = repr((function.__name__, sorted(chosen.items())))
    return Call(chosen.keys() <= {"study"}, sha256(text.encode()).hexdigest())
