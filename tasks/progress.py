"""Progress on Prefect's pages: one progress artifact of the run for each long piece of work."""

from __future__ import annotations

from contextvars import copy_context
from typing import cast
from uuid import UUID

from capstan.progress import Listener

_EVERY_SECONDS = 5.0


class _Artifact:
    """Shows one piece of work; made where the run is known, and told from any thread."""

    def __init__(self, name: str) -> None:
        self._name, self._run = name, copy_context()
        self._id: UUID | None = None
        self._is_heard = True

    def tell(self, done: int, total: int) -> None:
        from httpx import HTTPError

        percent = round(100 * done / max(total, 1), 1)
        try:
            if self._is_heard:
                self._run.run(self._show, percent, f"{self._name}: {done:,} of {total:,}")
        except HTTPError:
            # Who only looks on must not stop the work, nor slow it down again by not answering.
            self._is_heard = False

    def end(self) -> None:
        """Leave it as it is: the run's page shows how far the work came."""

    def _show(self, percent: float, description: str) -> None:
        # Imported here, because most runs have no long work.
        from prefect.artifacts import create_progress_artifact, update_progress_artifact

        if self._id:
            update_progress_artifact(self._id, percent, description=description)
        else:
            # A coroutine only where there is an event loop.
            self._id = cast(UUID, create_progress_artifact(percent, description=description))


PREFECT = Listener(_Artifact, _EVERY_SECONDS)
"""Shows long work of a flow run as artifacts of it."""
