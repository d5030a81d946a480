"""Progress in a terminal: a bar for each long piece of work, gone when that ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console

from capstan.progress import Listener, listening

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
    with listening(Listener(partial(_Bar, console), _EVERY_SECONDS)):
        yield


class _Bar:
    """Shows one piece of work; drawn only once it is told of something."""

    def __init__(self, console: Console, name: str) -> None:
        self._console, self._name = console, name
        self._drawn: Progress | None = None

    def tell(self, done: int, total: int) -> None:
        if self._drawn is None:
            self._drawn = _drawing(self._console)
            self._drawn.add_task(self._name)
            self._drawn.start()
        self._drawn.update(self._drawn.task_ids[0], completed=done, total=total)

    def end(self) -> None:
        if self._drawn:
            self._drawn.stop()


def _drawing(console: Console) -> Progress:
    # Imported here, because `--help` must not wait for it.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, redirect_stdout=False)
