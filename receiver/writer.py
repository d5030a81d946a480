"""The writer: writes to the store what all requests brought, many at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from capstan.errors import StoreError
from capstan.store import Arrival, Store, keep_items
from receiver.refusals import Refusal

Job = Callable[[Store, datetime], object]
"""Writes something by itself, in transactions of its own."""

_log = logging.getLogger("receiver")
MOST_WAITING = 10_000
MOST_AT_ONCE = 200
# Twilio waits 15 seconds for an answer, and REDCap not even as long.
ANSWER_SECONDS = 10


@dataclass(frozen=True)
class _Order:
    """What one request brought, and its wait for an answer; `done` gets the error, if any."""

    work: Arrival | Job = field(repr=False)
    done: asyncio.Future[StoreError | None]


class Writer:
    """Answers each request once what it brought is on disk; one transaction serves all that wait.

    A transaction costs about the same for one item as for fifty. While one is written in the writer's thread,
    the next ones gather. It belongs to one event loop.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._waiting: list[_Order] = []
        self._writing: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "writer")

    async def keep(self, work: Arrival | Job) -> None:
        """Wait until it is kept; raises Refusal where the store cannot, or not soon.

        What comes too late for its answer is kept all the same: REDCap does not tell a second time.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise Refusal(503, "too many wait for the store")
        loop = asyncio.get_running_loop()
        order = _Order(work, loop.create_future())
        self._waiting.append(order)
        if self._writing is None:
            self._writing = loop.create_task(self._write_waiting())
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                failure = await order.done
        except TimeoutError:
            raise Refusal(503, "the store is slow") from None
        if failure:
            raise Refusal(503, "the store cannot be used")

    async def close(self) -> None:
        """Write what waits, and end."""
        if self._writing is not None:
            await self._writing
        self._thread.shutdown()

    async def _write_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            orders, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            works = [order.work for order in orders]
            failures = await loop.run_in_executor(self._thread, _write_all, self.store, works)
            for order, failure in zip(orders, failures, strict=True):
                # Who waited too long is gone.
                if not order.done.done():
                    order.done.set_result(failure)
        self._writing = None


def _write_all(store: Store, works: Sequence[Arrival | Job]) -> list[StoreError | None]:
    """Write all of it, and give each one's error: items in one transaction, jobs one by one."""
    items = [work for work in works if isinstance(work, Arrival)]
    failure = _write(partial(_keep, items), store) if items else None
    if failure and len(items) > 1:
        return _write_singly(store, works)
    return [failure if isinstance(work, Arrival) else _write(work, store) for work in works]


def _keep(items: Sequence[Arrival], store: Store, now: datetime) -> None:
    keep_items(store, items, now=now)


def _write_singly(store: Store, works: Sequence[Arrival | Job]) -> list[StoreError | None]:
    """Find the one with which the others failed; two failures in a row are the store's own."""
    failures: list[StoreError | None] = []
    for work in works:
        is_down = len(failures) > 1 and all(failures[-2:])
        failures += [failures[-1]] if is_down else _write_all(store, [work])
    return failures


def _write(job: Job, store: Store) -> StoreError | None:
    """Do a job, and give its error."""
    try:
        job(store, datetime.now(UTC))
    except StoreError as error:
        _log.error("Not kept: %s", error)
        return error
    except Exception as error:  # noqa: BLE001 - the text of what nobody expected may quote values
        _log.error("Not kept (%s).", type(error).__name__)
        return StoreError("The receiver could not keep a request.")
    return None
