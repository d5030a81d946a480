"""Opening: the desk of one process, from the settings, and the server that works at it."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import uvicorn

from capstan.errors import CapstanError, StoreError
from capstan.settings import Settings
from capstan.store import Store, load_keys
from receiver.app import build_app
from receiver.bell import Bell
from receiver.desk import Desk
from receiver.informants import Informants
from receiver.pace import Pace
from receiver.patience import PatientProtocol
from receiver.registry import Registry
from receiver.signed_on import SignedOn
from receiver.writer import Writer

REFRESH_SECONDS = 30
# A sender with a wrong secret or signature is told to be quiet after so many.
WRONG_PER_SECOND, WRONG_BURST = 1, 60
GRACE_SECONDS = 15
MOST_CONNECTIONS = 1000

_log = logging.getLogger("receiver")
Ring = Callable[[str], object]


class Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets=sockets)
        # What is loaded by now stays; to look for waste in it would hold requests up for a tenth of a second.
        gc.freeze()
        self._when_ready()


def make_server(settings: Settings, *, ring: Ring, when_ready: Callable[[], object]) -> Server:
    """Make the server of one process; `ring` has the inbox of a study worked on."""

    @asynccontextmanager
    async def open_desk() -> AsyncIterator[Desk]:
        store = _open_or_say_why(settings)
        registry = Registry(settings, store.keys)
        # In a thread, because a secret that Prefect keeps cannot be asked for within an event loop.
        informants = await asyncio.to_thread(registry.refresh) or Informants()
        desk = Desk(
            Writer(store),
            Bell(ring),
            Pace(per_second=WRONG_PER_SECOND, burst=WRONG_BURST),
            informants,
            public_url=settings.public_url or "",
            home=settings.home,
            signed_on=SignedOn(settings.user_header, settings.proxies),
        )
        refreshing = asyncio.create_task(_keep_current(desk, registry))
        try:
            yield desk
        finally:
            refreshing.cancel()
            await desk.writer.close()
            desk.bell.close()
            store.close()

    app = build_app(open_desk, proxies=settings.proxies)
    return Server(
        uvicorn.Config(
            app,
            http=PatientProtocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            # Where a request comes from is found out at the door, and logged nowhere.
            proxy_headers=False,
            access_log=False,
            server_header=False,
            log_config=None,
            # It complains of requests that end halfway; what matters is in our own lines.
            log_level=logging.CRITICAL,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        ),
        when_ready,
    )


def open_store(settings: Settings) -> Store:
    """Open the store; the log says so when its key was just made, because it must be backed up."""
    keys = load_keys(settings.key, home=settings.home)
    if keys.made_file:
        _log.warning("Made the key %s; back it up, the store is lost without it.", keys.made_file)
    return Store.open(settings.store_url, keys)


def _open_or_say_why(settings: Settings) -> Store:
    try:
        return open_store(settings)
    except StoreError as error:
        _log.error("The receiver cannot start: %s", error)
        raise


async def _keep_current(desk: Desk, registry: Registry) -> None:
    while True:
        await asyncio.sleep(REFRESH_SECONDS)
        # A study file that is just being replaced is there again the next time.
        with suppress(OSError, CapstanError):
            found = await asyncio.to_thread(registry.refresh)
            desk.informants = found or desk.informants
