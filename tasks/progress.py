"""Progress on Prefect's pages: one progress artifact of the run for each long piece of work."""

from __future__ import annotations

from contextlib import suppress
from contextvars import copy_context
from typing import cast
from uuid import UUID

from httpx import HTTPError

from capstan.progress import Listener, Tell

_EVERY_SECONDS = 5.0


def _begin(name: str) -> Tell:
    # Threads that do a part of the work know of no run.
    run_context = copy_context()
    shown: list[UUID] = []

    def tell(done: int, total: int) -> None:
        with suppress(HTTPError):  # who only looks on must not stop the work
            run_context.run(_show, shown, 100 * done / max(total, 1), f"{name}: {done:,} of {total:,}")

    return tell


def _show(shown: list[UUID], percent: float, description: str) -> None:
    # Imported here, because most runs have no long work.
    from prefect.artifacts import create_progress_artifact, update_progress_artifact

    if shown:
        update_progress_artifact(shown[0], percent, description=description)
    else:
        made = create_progress_artifact(percent, description=description)
        shown.append(cast(UUID, made))  # a coroutine only where there is a loop


PREFECT = Listener(_begin, _EVERY_SECONDS)
"""Shows long work of a flow run as artifacts of it."""
