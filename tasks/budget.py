"""The budget: how many requests a minute all runs, processes and machines together send to a REDCap host."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from capstan.errors import StoreError
from capstan.redcap.throttle import Throttle
from capstan.settings import load_settings
from capstan.store import make_private_folder
from tasks.budget_ledger import Ledger
from tasks.deployed import server_address
from tasks.shield import run_logger

if TYPE_CHECKING:
    from tasks.budget_blocks import Blocks

_TRY_AGAIN_SECONDS = 60.0


class Budget:
    """One host's budget: this machine's ledger always, and the Prefect server's limit where there is one.

    Where one of them cannot be used, the other counts alone, and without both this process by itself: a run
    is not worth less because its bookkeeping fails. Share it between connections and threads.
    """

    def __init__(
        self,
        ledger: Ledger | None,
        blocks: Blocks | None,
        *,
        alone: Throttle,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ledger, self._blocks, self._alone = ledger, blocks, alone
        self._clock, self._sleep = clock, sleep
        self._ask_server_at = 0.0
        self._lock = Lock()

    def wait(self) -> None:
        """Sleep until one more request may begin; threads queue up."""
        with self._lock:
            while pause := self._pause():
                # Uneven, so that many who wait do not all come back at once.
                self._sleep(pause + random.uniform(0, 0.1))
            self._alone.wait()

    def _pause(self) -> float:
        self._take_slot()
        if self._ledger is None:
            return 0.0
        try:
            return self._ledger.book()
        except OSError as error:
            run_logger().warning(
                "requests to REDCap cannot be counted for this machine (%s); each process counts its own",
                error.strerror,
            )
            self._ledger = None
            return 0.0

    def _take_slot(self) -> None:
        if self._blocks is None or self._clock() < self._ask_server_at:
            return
        import httpx

        try:
            self._blocks.take()
        except httpx.HTTPError as error:
            self._ask_server_at = self._clock() + _TRY_AGAIN_SECONDS
            run_logger().warning(
                "the Prefect server does not count requests to REDCap (%s); only this machine does",
                type(error).__name__,
            )


def budget_for(url: str) -> Budget:
    """Return the budget of the host of a REDCap address; all connections of a process share it."""
    settings = load_settings()
    host = urlsplit(url).netloc.rpartition("@")[2].lower()
    return _budget(host, settings.home, per_minute=settings.requests_per_minute, api=server_address())


@cache
def _budget(host: str, home: Path, *, per_minute: int, api: str) -> Budget:
    return Budget(
        _ledger(home / "budget", host=host, per_minute=per_minute),
        _blocks(host, per_minute=per_minute) if api else None,
        alone=Throttle(per_minute),
    )


def _blocks(host: str, *, per_minute: int) -> Blocks:
    # They need Prefect, whose import takes a second.
    from tasks.budget_blocks import Blocks, rate_for

    return Blocks(f"redcap {host}", rate=rate_for(per_minute))


def _ledger(folder: Path, *, host: str, per_minute: int) -> Ledger | None:
    try:
        make_private_folder(folder)
    except StoreError as error:
        run_logger().warning("%s Requests to REDCap are counted by each process for itself.", error)
        return None
    return Ledger(folder / re.sub(r"[^a-z0-9.-]", "_", host), limit=per_minute)
