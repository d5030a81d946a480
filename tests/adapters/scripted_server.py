"""A web server on loopback that answers what a test tells it to, well-formed or broken."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from urllib.parse import parse_qsl

TOKEN = "0123456789ABCDEF0123456789ABCDEF"
PAGE = "<!DOCTYPE html><html><body>{}</body></html>"


@dataclass(frozen=True)
class Reply:
    """One answer: `sent` cuts the body after so many bytes; `drops` closes without a word; `hangs` waits."""

    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    is_gzip: bool = False
    is_chunked: bool = False
    has_length: bool = True
    drops: bool = False
    hangs: bool = False

    def raw(self) -> bytes:
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return gzip.compress(body) if self.is_gzip else body


Script = Sequence[Reply] | Callable[[dict[str, str]], Reply]


class ScriptedServer:
    """Answers a list of replies one after another (the last one for ever), or what a function says."""

    def __init__(self, script: Script) -> None:
        self.script, self.forms, self.methods, self.bodies = script, [], [], []
        self.released, self._lock = Event(), Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/api/"

    def reply(self, form: dict[str, str]) -> Reply:
        with self._lock:
            self.forms.append(form)
            if callable(self.script):
                return self.script(form)
            return self.script[min(len(self.forms), len(self.script)) - 1]

    def start(self) -> None:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serving(*replies: Reply, by: Callable[[dict[str, str]], Reply] | None = None) -> Iterator[ScriptedServer]:
    server = ScriptedServer(by or replies)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _handler(script: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            script.bodies.append(raw)
            text = raw.decode(errors="replace")
            script.methods.append(self.command)
            reply = script.reply(dict(parse_qsl(text, keep_blank_values=True)))
            self.close_connection = True
            if not reply.drops:
                self.wfile.write(_wire_bytes(reply))
            if reply.hangs:
                script.released.wait(5)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            return

    return Handler


def _wire_bytes(reply: Reply) -> bytes:
    raw = reply.raw()
    headers = {"Connection": "close", **reply.headers}
    if reply.is_gzip:
        headers["Content-Encoding"] = "gzip"
    if reply.is_chunked:
        headers["Transfer-Encoding"] = "chunked"
    elif reply.has_length:
        headers["Content-Length"] = str(len(raw) + (1 if reply.hangs else 0))
    head = f"HTTP/1.1 {reply.status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
    shown = raw if reply.sent is None else raw[: reply.sent]
    return head.encode() + (_chunks(shown, is_whole=reply.sent is None) if reply.is_chunked else shown)


def _chunks(raw: bytes, *, is_whole: bool) -> bytes:
    out, source = b"", io.BytesIO(raw)
    while piece := source.read(100):
        out += b"%x\r\n%s\r\n" % (len(piece), piece)
    return out + (b"0\r\n\r\n" if is_whole else b"")
