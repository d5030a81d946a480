"""A mail server on loopback that answers each step as a test tells it to, or breaks off there."""

from __future__ import annotations

import base64
import socket
import socketserver
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread

DROP = "drop"
SILENT = "silent"
STEPS = {"EHLO": "250-test\n250 SIZE 1000000", "HELO": "250 test", "MAIL": "250 ok", "RCPT": "250 ok"}
ANSWERS = {"greeting": "220 test", "STARTTLS": "220 go", "DATA": "354 go", ".": "250 queued", **STEPS}


@dataclass
class MailServer:
    """`answers` by command (`greeting`, `.` for the end of the letter); letters as they came over the wire."""

    answers: Mapping[str, str]
    tls: ssl.SSLContext | None = None
    is_wrapped: bool = False
    port: int = 0
    commands: list[str] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    auth: list[str] = field(default_factory=list)


class _Break(Exception):
    pass


class _Session(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.desk: MailServer = self.server.desk
        with suppress(_Break, OSError):
            if self.desk.is_wrapped:
                self._wrap()
            self.file = self.request.makefile("rb")
            self._answer("greeting")
            while line := self.file.readline():
                self._command(line.decode().rstrip("\r\n"))
        if isinstance(self.request, ssl.SSLSocket):
            self.request.close()

    def _command(self, line: str) -> None:
        name = line.partition(" ")[0].upper()
        self.desk.commands.append(f"{name}{line[len(name) :]}")
        if name == "QUIT":
            raise _Break
        if name == "AUTH":
            self._authenticate(line)
            return
        self._answer(name)
        if name == "STARTTLS":
            self._wrap()
            self.file = self.request.makefile("rb")
        if name == "DATA" and self.desk.answers["DATA"].startswith("354"):
            self._take_letter()

    def _take_letter(self) -> None:
        lines: list[bytes] = []
        while (line := self.file.readline()) != b".\r\n":
            if not line:
                raise _Break
            lines.append(line)
        self.desk.letters.append(b"".join(lines))
        self._answer(".")

    def _authenticate(self, line: str) -> None:
        self.desk.auth.append(base64.b64decode(line.split()[-1]).decode())
        for answer in self.desk.answers.get("AUTH", "235 ok").split("|"):
            self._write(answer)
            if answer.startswith("334"):
                self.desk.auth.append(self.file.readline().decode().strip())

    def _answer(self, step: str) -> None:
        answer = self.desk.answers.get(step, "502 no such command")
        if answer == DROP:
            raise _Break
        if answer == SILENT:
            self.file.read()
            raise _Break
        self._write(answer)

    def _write(self, answer: str) -> None:
        self.request.sendall(answer.replace("\n", "\r\n").encode() + b"\r\n")

    def _wrap(self) -> None:
        try:
            self.request = self.desk.tls.wrap_socket(self.request, server_side=True)
        except (ssl.SSLError, OSError):
            raise _Break from None


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    desk: MailServer


@contextmanager
def mail_server(
    *, tls: ssl.SSLContext | None = None, is_wrapped: bool = False, **steps: str
) -> Iterator[MailServer]:
    """Serve with the usual answers, but `steps`; `end` is the answer to the letter's end."""
    answers = {**ANSWERS, **steps}
    answers["."] = steps.get("end", ANSWERS["."])
    desk = MailServer(answers, tls=tls, is_wrapped=is_wrapped)
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.desk = desk
        desk.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield desk
        finally:
            server.shutdown()
            thread.join(5)


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
