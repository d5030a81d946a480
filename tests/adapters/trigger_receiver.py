"""A little receiver of data entry triggers: it keeps every body and answers with what it is told."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl

WAIT_SECONDS = 10


@dataclass
class Receiver:
    url: str = ""
    status: int = 200
    posts: queue.Queue = field(default_factory=queue.Queue)

    def next(self) -> dict[str, str]:
        """Wait for the next post."""
        return dict(self.posts.get(timeout=WAIT_SECONDS))


@contextmanager
def receiving(status: int = 200) -> Iterator[Receiver]:
    receiver = Receiver(status=status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            receiver.posts.put(parse_qsl(body))
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_port}/det"
        yield receiver
        server.shutdown()
        thread.join()
