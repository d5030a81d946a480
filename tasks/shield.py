"""The shield: Prefect's task and flow decorators, with what this project always wants of them.

Prefect keeps exception text, results and inputs. So no input is hashed, no result is stored, and an
exception that is not ours is replaced by one that says its type and place, but none of its text, which
may hold values.
"""

from __future__ import annotations

import logging
import sys
import traceback
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache, wraps
from inspect import get_annotations, signature
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from capstan.errors import CapstanError
from capstan.progress import listening
from tasks.calls import remembering
from tasks.dead_runs import end_dead_runs
from tasks.flow_runs import flow_run_context, is_in_task
from tasks.later_flow import made_later
from tasks.parameters import checking
from tasks.progress import PREFECT
from tasks.redaction import redact_logs
from tasks.step_times import timed

if TYPE_CHECKING:
    from prefect import Flow, Task

P = ParamSpec("P")
R = TypeVar("R")
_ROOT = Path(__file__).resolve().parent.parent
# Parameters that make a run special, and how its name says so.
_SPECIAL = MappingProxyType(
    {"participant": "one participant", "event": "one event", "triggered": "triggered", "dry_run": "dry"}
)
# How a run is told to stop: none of these holds a value, nor do Prefect's own signals.
_SIGNALS = (KeyboardInterrupt, SystemExit, GeneratorExit, CancelledError)

redact_logs()


def effect(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function a Prefect task when it is called in a flow run, and a plain call elsewhere.

    Elsewhere is `capstan run` without a Prefect server, or within another task.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        guarded = shielded(function)

        @cache
        def task() -> Task[P, R]:
            from prefect import task
            from prefect.cache_policies import NO_CACHE

            made = task(name=name, cache_policy=NO_CACHE, persist_result=False, task_run_name=name)
            return made(guarded)

        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            in_flow = flow_run_context() is not None and not is_in_task()
            with timed(name):
                return task()(*args, **kwargs) if in_flow else guarded(*args, **kwargs)

        return run

    return decorate


def study_flow(name: str, *, about: str = "study") -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Make a function a Prefect flow under the same rules.

    Its runs are named after the flow and the parameter `about`, as a rule the study, and what is special
    about them. Long work in them is shown on their pages.
    """

    def decorate(function: Callable[P, R]) -> Flow[P, R]:
        guarded = shielded(checking(_with_progress(remembering(function))))
        # Prefect reads the parameters' types in this module, where their names mean nothing.
        guarded.__signature__ = signature(function, eval_str=True)  # type: ignore[attr-defined]
        guarded.__annotations__ = get_annotations(function, eval_str=True)

        def make() -> Flow[P, R]:
            from prefect import flow

            made = flow(
                name=name,
                flow_run_name=_namer(name, about=about),
                persist_result=False,
                on_running=[end_dead_runs],
                validate_parameters=False,  # Prefect would log a wrong value, and keep it in the run's state
            )
            return made(guarded)

        return made_later(guarded, make=make)

    return decorate


def _namer(name: str, *, about: str) -> Callable[[], str]:
    """Say what names a run that is about to begin: `about`, and of other parameters only words of ours."""

    def named() -> str:
        context = flow_run_context()
        given = (context.parameters if context else None) or {}
        words = ", ".join(word for key, word in _SPECIAL.items() if given.get(key))
        parts = (name, str(given.get(about, "")), f"({words})" if words else "")
        return " ".join(part for part in parts if part)

    return named


def _with_progress(function: Callable[P, R]) -> Callable[P, R]:
    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with listening(PREFECT) if flow_run_context() else nullcontext():
            return function(*args, **kwargs)

    return run


def shielded(function: Callable[P, R]) -> Callable[P, R]:
    """Let only our own exceptions through, without cause and context."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except CapstanError as error:
            told: Exception = error
        except _signals():
            raise
        except BaseException as error:  # noqa: BLE001 - the one place that turns foreign errors into ours
            # All of them: libraries written in Rust panic with what is no Exception.
            told = CapstanError(_spoken(error))
        # Raised here, outside the handlers, so that neither cause nor context keeps the values.
        told.__cause__ = told.__context__ = None
        raise told.with_traceback(None)

    return guarded


def run_logger() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    """Prefect's logger within a flow run, this project's own elsewhere."""
    if flow_run_context() is None and not is_in_task():
        return logging.getLogger("capstan")
    from prefect import get_run_logger

    return get_run_logger()


def flow_run_id() -> str | None:
    """The id of Prefect's flow run, None outside of one."""
    context = flow_run_context()
    return str(context.flow_run.id) if context and context.flow_run else None


def _signals() -> tuple[type[BaseException], ...]:
    if "prefect.exceptions" not in sys.modules:
        return _SIGNALS
    from prefect.exceptions import PrefectSignal, TerminationSignal

    return (*_SIGNALS, PrefectSignal, TerminationSignal)


def _spoken(error: BaseException) -> str:
    trace = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in trace if _is_ours(Path(frame.filename))]
    place = (
        f"{Path(ours[-1].filename).relative_to(_ROOT)}:{ours[-1].lineno}" if ours else "outside this project"
    )
    return (
        f"Unexpected {type(error).__name__} at {place}. Its text is not shown because it may hold values; "
        "please report type and place."
    )


def _is_ours(file: Path) -> bool:
    return file.is_relative_to(_ROOT) and ".venv" not in file.parts and file != Path(__file__)
