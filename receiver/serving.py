"""Serving: takes a port, and answers on it in one process or in several that are replaced when they die."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing import connection, get_context, parent_process
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event

from capstan.errors import UsageError
from capstan.settings import load_settings
from receiver.opening import GRACE_SECONDS, make_server, open_store

_log = logging.getLogger("receiver")
_LOOK_SECONDS = 0.5
_SPAWN = get_context("spawn")


def serve(host: str, port: int, *, workers: int) -> None:
    """Answer until SIGTERM or SIGINT; says where, in one JSON line, as soon as somebody answers there.

    Raises UsageError for a port that cannot be had, StoreError where the store cannot be used.
    """
    _log_to_terminal()
    # Here too, so that a store that cannot be used is one sentence and not a crash of each worker.
    open_store(load_settings()).close()
    with _listen(host, port, shared=workers > 1) as listener:
        port = listener.getsockname()[1]
        say = partial(_say, f"http://{f'[{host}]' if ':' in host else host}:{port}")
        if workers == 1:
            _answer(listener, say)
        else:
            _supervise(host, port, workers=workers, say=say)


def _say(url: str) -> None:
    print(json.dumps({"url": url}), flush=True)  # noqa: T201 - the one line that a program waits for


def _answer(listener: socket.socket, when_ready: Callable[[], object]) -> None:
    """Answer on a socket in this process."""
    from tasks.doorbell import ring

    make_server(load_settings(), ring=ring, when_ready=when_ready).run(sockets=[listener])


def _supervise(host: str, port: int, *, workers: int, say: Callable[[], object]) -> None:
    """Keep so many processes answering; each listens by itself, so that the system shares out the calls."""
    is_stopped, is_ready = threading.Event(), _SPAWN.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: is_stopped.set())
    threading.Thread(target=lambda: is_ready.wait() and say(), daemon=True).start()
    start = partial(_start, host, port, is_ready)
    processes = [start() for _ in range(workers)]
    while not is_stopped.is_set():
        connection.wait([process.sentinel for process in processes], timeout=_LOOK_SECONDS)
        for place, process in enumerate(processes):
            if not process.is_alive() and not is_stopped.wait(_LOOK_SECONDS):
                _log.error("A worker ended with %s; another one takes its place.", process.exitcode)
                processes[place] = start()
    _end(processes)


def _start(host: str, port: int, is_ready: Event) -> SpawnProcess:
    process = _SPAWN.Process(target=_work, args=(host, port, is_ready), daemon=True)
    process.start()
    return process


def _end(processes: list[SpawnProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(GRACE_SECONDS + 5)
        process.kill()


def _work(host: str, port: int, is_ready: Event) -> None:
    """Answer in a process that was started to do so, and no longer than the one that started it."""
    _log_to_terminal()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with _listen(host, port, shared=True) as listener:
        _answer(listener, is_ready.set)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _listen(host: str, port: int, *, shared: bool) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # Without the protocol the event loop leaves short answers waiting for 40 ms (Nagle's algorithm).
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError as error:
        raise UsageError(f"The receiver cannot listen on {host}, port {port}: {error.strerror}.") from None
    return listener


def _log_to_terminal() -> None:
    """Write the receiver's own lines, for a service to collect."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    _log.setLevel(logging.INFO)
    _log.handlers, _log.propagate = [handler], False
