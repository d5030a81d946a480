"""A small proxy that hands connections to several servers in turn, past those that are dead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle

Address = tuple[str, int]
_CHUNK = 65536


class RoundRobin:
    """Connections as they are, so that web sockets pass too; `refused` counts turns at a dead server."""

    def __init__(self, servers: list[Address]) -> None:
        self._turns, self._count = cycle(servers), len(servers)
        self.refused = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand one connection on."""
        try:
            inner = await self._connect()
        except ConnectionError:
            writer.close()
            return
        with suppress(asyncio.CancelledError):  # at the end of all; asyncio would print it
            await asyncio.gather(_pump(reader, inner[1]), _pump(inner[0], writer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in range(self._count):
            try:
                return await asyncio.open_connection(*next(self._turns))
            except OSError:
                self.refused += 1
        raise ConnectionRefusedError


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    # A server that died must end the client's connection too, or the client waits for its answer.
    with suppress(OSError):
        writer.close()


async def _end_all() -> None:
    """End the connections that are still open."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def proxying(servers: list[Address], *, port: int) -> Iterator[RoundRobin]:
    """Listen on a port of this machine, in a thread."""
    loop, proxy = asyncio.new_event_loop(), RoundRobin(servers)
    server = loop.run_until_complete(asyncio.start_server(proxy.serve, "127.0.0.1", port))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
