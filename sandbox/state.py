"""The running sandbox: store, clock, faults, list of requests, and the lock around them."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from sandbox.clock import Clock
from sandbox.dispatch import Redcap
from sandbox.faults import Faults
from sandbox.storage import Store

DEFAULT_VERSION = "15.2.1"
MAX_REQUESTS = 10_000


@dataclass(frozen=True)
class Request:
    """One request as the control API lists it: no values, no token."""

    at: str
    method: str
    content: str
    action: str
    received_bytes: int
    sent_bytes: int
    status: int
    fault: str = ""


class State:
    """Everything that outlives a request."""

    def __init__(
        self, state_dir: Path | None = None, version: str = DEFAULT_VERSION, *, strict_arrays: bool = False
    ) -> None:
        self.lock = threading.Lock()
        self.store = Store(state_dir)
        self.clock = Clock()
        self.redcap = Redcap(self.store, self.clock, version=version)
        self.strict_arrays = strict_arrays
        self.faults = Faults()
        self.requests: deque[Request] = deque(maxlen=MAX_REQUESTS)

    def close(self) -> None:
        self.store.close()
