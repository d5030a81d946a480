"""The later flow: one that Prefect makes when it is more than a function, because its import takes long."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from prefect import Flow

P = ParamSpec("P")
R = TypeVar("R")


def made_later(function: Callable[P, R], *, make: Callable[[], Flow[P, R]]) -> Flow[P, R]:
    """The flow of a function; where Prefect is not imported yet, something that becomes it when needed.

    `capstan run` without a Prefect server needs the function `fn` only.
    """
    return make() if "prefect" in sys.modules else cast("Flow[P, R]", _LaterFlow(function, make))


class _LaterFlow(Generic[P, R]):
    """Stands for a flow, and passes for one where Prefect asks what it is."""

    def __init__(self, function: Callable[P, R], make: Callable[[], Flow[P, R]]) -> None:
        self.fn, self._flow = function, cache(make)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._flow()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._flow(), name)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self._flow())
