"""Parameters of flows, checked by us: Prefect would put a wrong one into its log and its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

from pydantic import BaseModel, ValidationError, create_model

from capstan.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")


def checking(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function be called with parameters of its own types only, made of texts where they must be."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature(function).bind(*args, **kwargs).arguments
        made: Callable[..., R] = function
        return made(**check_parameters(function, given))

    return checked


def check_parameters(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A flow's parameters in its own types; raises UsageError for a wrong one, without its value."""
    flow, known = function.__name__.replace("_", "-"), signature(function).parameters
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise UsageError(f"{flow} has no parameter {unknown[0]!r}; it has {', '.join(sorted(known))}.")
    try:
        checked = _model(function).model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    else:
        return {name: getattr(checked, name) for name in known}
    # Raised outside, because pydantic's error holds the value.
    wanted = first["loc"][0]
    if first["type"] == "missing":
        raise UsageError(f"{flow} needs the parameter {wanted}; give it with -p {wanted}=VALUE.")
    raise UsageError(f"{flow}: the parameter {wanted}: {first['msg']}; correct it.")


@cache
def _model(function: Callable[..., Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (item.annotation, ... if item.default is item.empty else item.default)
        for name, item in signature(function, eval_str=True).parameters.items()
    }
    return create_model("Parameters", **fields)
