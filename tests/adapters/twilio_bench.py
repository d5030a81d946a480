"""The served sandbox as Twilio: the real library's client for it, its controls, and a signed receiver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter
from sandbox_clients import control
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator, get_signature_algorithm
from twilio.rest import Client

from sandbox.server import Running

NUMBER = "+15005550006"
NOON = "2026-06-01T12:00:00+00:00"


class RedirectedHttp(TwilioHttpClient):
    """Sends what is meant for a host of Twilio's to the sandbox."""

    def __init__(self, base_url: str, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self.base_url = base_url
        self.session.trust_env = False
        self.session.mount("http://", HTTPAdapter(max_retries=0))

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Any:
        parts = urlsplit(url)
        assert parts.hostname is not None
        product = parts.hostname.removesuffix(".twilio.com")
        folder = "" if product == "api" else f"/{product}"
        query = f"?{parts.query}" if parts.query else ""
        return super().request(method, f"{self.base_url}{folder}{parts.path}{query}", *args, **more)


@dataclass
class Got:
    """One post that came in: whether its signature was right, its parameters, and what it was tried with."""

    path: str
    fields: dict[str, str]
    headers: dict[str, str]
    is_signed: bool


@dataclass
class Receiver:
    """Keeps what comes in; `answers` are given in turn, and then 204 for ever."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: list[tuple[int, str, str]] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def statuses(self) -> list[str]:
        return [one.fields.get("MessageStatus", "") for one in self.got]


@contextmanager
def receiving(secret: str) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            fields = dict(parse_qsl(body, keep_blank_values=True))
            url = f"http://127.0.0.1:{self.server.server_port}{self.path}"
            algorithm = get_signature_algorithm(self.headers.get("X-Twilio-Webhooks-Signature-Settings"))
            signed = RequestValidator(secret).validate(
                url, fields, self.headers["X-Twilio-Signature"], algorithm
            )
            receiver.got.append(Got(self.path, fields, dict(self.headers), signed))
            receiver.meanwhile()
            status, kind, text = receiver.answers.pop(0) if receiver.answers else (204, "", "")
            self.send_response(status)
            for name, value in (("Content-Type", kind), ("Location", text if status == 302 else "")):
                if value:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        yield receiver
        server.shutdown()
        thread.join()


@dataclass
class Bench:
    """A sandbox at noon, its clock stopped; `receiver` is where its webhooks go."""

    server: Running
    client: Client
    receiver: Receiver

    @property
    def service(self) -> str:
        return self.control("config", method="GET")["services"][0]["sid"]

    @property
    def callback(self) -> str:
        return f"{self.receiver.url}/status?m=7"

    def control(self, path: str, body: Any = None, *, method: str = "POST") -> Any:
        return control(self.server, path, body, method=method)

    def state(self) -> Any:
        return self.control("state", method="GET")

    def advance(self, seconds: float) -> int:
        return control(self.server, "advance", {"seconds": seconds})["events"]

    def send(self, phone: str = "+12065550160", body: str = "Hello", **more: Any) -> Any:
        sender = {} if "messaging_service_sid" in more else {"from_": NUMBER}
        return self.client.messages.create(
            phone, body=body, **{"status_callback": self.callback, **sender, **more}
        )

    def post(self, **fields: str) -> requests.Response:
        """Post what the library would never send."""
        found = self.server.addresses()
        sid, token = found["twilio_account_sid"], found["twilio_auth_token"]
        url = f"{found['twilio_url']}/2010-04-01/Accounts/{sid}/Messages.json"
        return requests.post(url, data=fields, auth=(sid or "", token or ""), timeout=30)


def new_client(server: Running, sid: str = "", token: str = "", *, timeout: float = 10) -> Client:
    """Return the real library's client, of the sandbox's account unless told otherwise."""
    found = server.addresses()
    http = RedirectedHttp(str(found["twilio_url"]), timeout)
    return Client(sid or found["twilio_account_sid"], token or found["twilio_auth_token"], http_client=http)


@contextmanager
def open_bench(server: Running) -> Iterator[Bench]:
    """Reset the sandbox and stop its clock at noon; the configuration is put back afterwards."""
    with receiving(str(server.addresses()["twilio_auth_token"])) as receiver:
        bench = Bench(server, new_client(server), receiver)
        before = bench.control("config", method="GET")
        bench.control("reset")
        control(server, "clock", {"now": NOON})
        try:
            yield bench
        finally:
            control(server, "clock", {"now": None})
            bench.control("config", before)
