"""Progress in a terminal: a bar for each long piece of work, gone when the command ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING

from rich.console import Console

from capstan.progress import Listener, Tell, listening

if TYPE_CHECKING:
    from rich.progress import Progress

_EVERY_SECONDS = 0.2


@contextmanager
def progress_shown(console: Console | None = None) -> Iterator[None]:
    """Show long work on stderr, where that is a terminal; what a command prints stays as it is."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with ExitStack() as opened:
        # Drawn only once there is long work.
        bars = cache(lambda: opened.enter_context(_bars(console)))

        def begin(name: str) -> Tell:
            bar = cache(lambda: bars().add_task(name))
            return lambda done, total: bars().update(bar(), completed=done, total=total)

        with listening(Listener(begin, _EVERY_SECONDS)):
            yield


def _bars(console: Console) -> Progress:
    # Imported here, because `--help` must not wait for it.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, redirect_stdout=False)
