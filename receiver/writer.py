"""The writer: one thread that writes to the store what all requests brought, many at a time."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from capstan.errors import StoreError
from capstan.store import Arrival, Store, add_items
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
    """What one request brought, and who waits for it."""

    work: Arrival | Job = field(repr=False)
    done: asyncio.Future[None]
    loop: asyncio.AbstractEventLoop


class Writer:
    """Answers each request once what it brought is on disk; one transaction serves all that wait.

    A transaction costs about the same for one item as for fifty. So the more come, the more are written at
    once.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._orders: queue.Queue[_Order | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._serve, name="writer", daemon=True)
        self._thread.start()

    async def keep(self, work: Arrival | Job) -> None:
        """Wait until it is kept; raises Refusal where the store cannot, or not soon.

        What comes too late for its answer is kept all the same: REDCap does not tell a second time.
        """
        loop = asyncio.get_running_loop()
        order = _Order(work, loop.create_future(), loop)
        try:
            self._orders.put_nowait(order)
            async with asyncio.timeout(ANSWER_SECONDS):
                await order.done
        except queue.Full:
            raise Refusal(503, "too many wait for the store") from None
        except TimeoutError:
            raise Refusal(503, "the store is slow") from None
        except StoreError:
            raise Refusal(503, "the store cannot be used") from None

    def close(self) -> None:
        """Write what waits, and end."""
        self._orders.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (first := self._orders.get()) is not None:
            orders, is_last = [first], False
            while len(orders) < MOST_AT_ONCE and not is_last:
                try:
                    following = self._orders.get_nowait()
                except queue.Empty:
                    break
                is_last = following is None
                orders += [following] if following else []
            self._write_all(orders)
            if is_last:
                return

    def _write_all(self, orders: Sequence[_Order]) -> None:
        items = [order for order in orders if isinstance(order.work, Arrival)]
        jobs = [order for order in orders if not isinstance(order.work, Arrival)]
        groups = [items, *([job] for job in jobs)] if items else [[job] for job in jobs]
        for group in groups:
            failure = self._write(group)
            if failure and len(group) > 1:
                self._write_singly(group)
            else:
                _tell(group, failure)

    def _write_singly(self, orders: Sequence[_Order]) -> None:
        """Find the order that the others failed with; two failures in a row are the store's own."""
        failures: list[StoreError | None] = []
        for order in orders:
            is_down = len(failures) > 1 and all(failures[-2:])
            failures.append(failures[-1] if is_down else self._write([order]))
            _tell([order], failures[-1])

    def _write(self, orders: Sequence[_Order]) -> StoreError | None:
        """Write orders, all or none; an error is handed on to those who wait."""
        now, work = datetime.now(UTC), [order.work for order in orders]
        try:
            if isinstance(work[0], Arrival):
                with self.store.write() as connection:
                    add_items(self.store, connection, work, now=now)
            else:
                work[0](self.store, now)
        except StoreError as error:
            _log.error("%d requests were not kept: %s", len(orders), error)
            return error
        except Exception as error:  # noqa: BLE001 - the thread must outlive it, and its text may quote values
            _log.error("%d requests were not kept (%s)", len(orders), type(error).__name__)
            return StoreError("The receiver could not keep a request.")
        return None


def _tell(orders: Sequence[_Order], failure: StoreError | None) -> None:
    """Let the waiting requests go on; all of one process run in one event loop."""

    def tell() -> None:
        for order in orders:
            if order.done.done():
                continue
            if failure is None:
                order.done.set_result(None)
            else:
                order.done.set_exception(failure)

    orders[0].loop.call_soon_threadsafe(tell)
