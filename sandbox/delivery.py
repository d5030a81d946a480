"""Posts data entry triggers in the background, once each, and plays tricks on them when asked."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import requests
import urllib3

MAX_WAITING = 1000
MAX_HISTORY = 1000
# REDCap's own is not recorded (J.8).
TIMEOUT_SECONDS = 2.0
_JOIN_SECONDS = 1.5


class Trick(StrEnum):
    """What happens to a post on its way; a reordered one goes out after the one that follows it."""

    DROP = "drop"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    REORDER = "reorder"


_NOTES = {Trick.DELAY: "delayed", Trick.DUPLICATE: "duplicated"}


@dataclass(frozen=True)
class Post:
    """One trigger to be posted."""

    at: str
    project_id: int
    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Sent:
    """What became of a post: the receiver's status, or why there is none."""

    post: Post
    status: int | None
    note: str = ""


class _Due(NamedTuple):
    at: float
    number: int
    post: Post
    note: str


class Delivery:
    """A queue of posts with one thread, which starts with the first of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._saved: list[Post] = []
        self._queue: list[_Due] = []
        self._held: list[Post] = []
        self._tricks: deque[tuple[Trick, float]] = deque()
        self._history: deque[Sent] = deque(maxlen=MAX_HISTORY)
        self._number = 0
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def prepare(self, post: Post) -> None:
        """Take a post that goes out once the save that it tells of is certain."""
        self._saved.append(post)

    def room(self) -> int:
        """Return how many more posts can be prepared."""
        return MAX_WAITING - len(self._saved)

    def forget_prepared(self) -> None:
        self._saved.clear()

    def send_prepared(self) -> None:
        """Queue what was prepared; returns at once."""
        saved, self._saved = self._saved, []
        with self._changed:
            for post in saved:
                self._accept(post)
            if self._queue and self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._work, name="sandbox-triggers", daemon=True)
                self._thread.start()
            self._changed.notify()

    def trick(self, kind: Trick, *, count: int, seconds: float) -> None:
        """Play a trick on the next posts."""
        with self._changed:
            self._tricks.extend([(kind, seconds)] * min(count, MAX_WAITING - len(self._tricks)))

    def clear_tricks(self) -> None:
        """Take back tricks that no post has met; held posts go out."""
        with self._changed:
            self._tricks.clear()
            self._release_held()
            self._changed.notify()

    def tricks(self) -> list[str]:
        with self._changed:
            return [kind.value for kind, _ in self._tricks]

    def history(self) -> list[Sent]:
        """Return what became of the posts, oldest first."""
        with self._changed:
            return list(self._history)

    def waiting(self) -> int:
        with self._changed:
            return len(self._queue) + len(self._held)

    def clear_history(self) -> int:
        with self._changed:
            count = len(self._history)
            self._history.clear()
            return count

    def close(self) -> None:
        """Stop; posts that still wait are lost, as REDCap keeps none."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)

    def _accept(self, post: Post) -> None:
        kind, seconds = self._tricks.popleft() if self._tricks else (None, 0.0)
        if kind is Trick.DROP:
            self._history.append(Sent(post, None, "dropped"))
            return
        if kind is Trick.REORDER:
            self._held.append(post)
            return
        wait = seconds if kind is Trick.DELAY else 0.0
        note = _NOTES.get(kind, "") if kind is not None else ""
        for _ in range(2 if kind is Trick.DUPLICATE else 1):
            self._push(post, seconds=wait, note=note)
        self._release_held()

    def _release_held(self) -> None:
        held, self._held = self._held, []
        for post in held:
            self._push(post, seconds=0.0, note="reordered")

    def _push(self, post: Post, *, seconds: float, note: str) -> None:
        if len(self._queue) >= MAX_WAITING:
            self._history.append(Sent(post, None, "not sent: too many posts wait"))
            return
        self._number += 1
        heapq.heappush(self._queue, _Due(time.monotonic() + seconds, self._number, post, note))

    def _work(self) -> None:
        with requests.Session() as session:
            # A proxy of this computer's environment is no business of a stand-in server.
            session.trust_env = False
            while (due := self._next()) is not None:
                sent = _deliver(session, due)
                with self._changed:
                    self._history.append(sent)

    def _next(self) -> _Due | None:
        with self._changed:
            while not self._is_closed:
                wait = self._queue[0].at - time.monotonic() if self._queue else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._queue)
                self._changed.wait(wait)
        return None


def _deliver(session: requests.Session, due: _Due) -> Sent:
    """Post once; the answer's body is not even read."""
    try:
        answer = session.post(
            due.post.url,
            data=dict(due.post.fields),
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
            stream=True,
        )
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        return Sent(due.post, None, " ".join(filter(None, (due.note, f"no answer: {type(error).__name__}"))))
    answer.close()
    return Sent(due.post, answer.status_code, due.note)
