"""A receiver in a thread of the tests, what REDCap, Twilio and partners post to it, and what it kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr
from receiver_load import STUDY_FILE, trigger
from sqlalchemy import func, select
from test_messaging_signature import ACCOUNT, sign

from capstan.settings import Settings
from capstan.store import Store, load_keys
from capstan.store.inbox_tables import INBOX
from receiver.opening import make_server
from tasks.receiving import trigger_secrets

PUBLIC = "https://study.example.org"
TWILIO_TOKEN, FORMER_TOKEN = "5f4dcc3b5aa765d61d8327deb882cf99", "202cb962ac59075b964b07152d234b70"
PARTNER_SECRET = "a secret of a scanner"
SECRETS = {
    "R_ACCOUNT": ACCOUNT,
    "R_TOKEN": TWILIO_TOKEN,
    "R_FORMER": FORMER_TOKEN,
    "R_PARTNER": PARTNER_SECRET,
    "R_SHORT": "short",
}
STUDY = f"""{STUDY_FILE}
messaging:
  sms: {{account: {{env: R_ACCOUNT}}, token: {{env: R_TOKEN}}, sender: "+12065550100"}}
receiver:
  twilio_tokens: [{{env: R_FORMER}}]
  partners:
    - {{name: scanner, secrets: [{{env: R_PARTNER}}]}}
    - {{name: robot, addresses: [127.0.0.1]}}
    - {{name: stranger, addresses: [192.0.2.0/24]}}
    - {{name: careless, secrets: [{{env: R_SHORT}}]}}
"""


@dataclass(frozen=True)
class Kept:
    """One item of the inbox, opened."""

    source: str
    times_seen: int
    form: Mapping[str, str]


class Lines(logging.Handler):
    """What the receiver logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.changed = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self.changed:
            self.lines.append(record.getMessage())
            self.changed.notify_all()


@dataclass
class Receiver:
    """Where it answers, its store, and what it logged."""

    url: str
    store: Store
    stop: Callable[[], None]
    log: Lines

    def hears(self, words: str) -> bool:
        """Wait until a line of the log has some words; it is written after the answer."""
        with self.log.changed:
            return self.log.changed.wait_for(lambda: any(words in line for line in self.log.lines), 20)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def trigger_path(self) -> str:
        return f"/redcap/{trigger_secrets(self.store.keys, 'demo')[0]}"

    def kept(self) -> list[Kept]:
        with self.store.read() as connection:
            rows = connection.execute(select(INBOX).order_by(INBOX.c.id)).mappings().all()
        opened = (json.loads(self.store.keys.unseal(row["sealed"])) for row in rows)
        return [Kept(row["source"], row["times_seen"], form) for row, form in zip(rows, opened, strict=True)]

    def count(self, table: Any = INBOX) -> int:
        with self.store.read() as connection:
            return connection.execute(select(func.count()).select_from(table)).scalar_one()

    def post(self, path: str, data: Any = None, **options: Any) -> requests.Response:
        return requests.post(self.url + path, data=data, allow_redirects=False, timeout=20, **options)

    def tell(self, number: int = 1, **fields: str) -> requests.Response:
        """Post a trigger of the study."""
        return self.post(self.trigger_path, trigger(number, **fields))

    def call_back(self, path: str, form: Mapping[str, str], token: str = TWILIO_TOKEN) -> requests.Response:
        """Post what Twilio would, signed for our public address."""
        headers = {"X-Twilio-Signature": sign(PUBLIC + path, dict(form), token)}
        return self.post(path, dict(form), headers=headers)


def partner_headers(body: bytes, *, at: datetime, secret: str = PARTNER_SECRET) -> dict[str, str]:
    """The headers by which a partner signs, written down once more."""
    told = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"{told}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "X-Capstan-Timestamp": told,
        "X-Capstan-Signature": f"sha256={digest}",
        "Content-Type": "application/json",
    }


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def serving(
    folder: Path, *, study: str = STUDY, key: str | None = None, ring: Any = None, **settings: Any
) -> Iterator[Receiver]:
    """Serve a receiver of one study; its secrets must be in the environment."""
    (folder / "studies/demo").mkdir(parents=True, exist_ok=True)
    (folder / "studies/demo/study.yaml").write_text(study, encoding="utf-8")
    made = {"home": folder / "home", "studies": (folder / "studies",), "public_url": PUBLIC, **settings}
    values = Settings(key=SecretStr(key) if key else None, **made)
    handler = Lines()
    loggers = [logging.getLogger(name) for name in ("receiver", "uvicorn")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        ready = threading.Event()
        server = make_server(values, ring=ring or (lambda _: None), when_ready=ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        with Store.open(values.store_url, load_keys(values.key, home=values.home)) as store:
            thread.start()
            assert ready.wait(60)
            try:
                stop = lambda: setattr(server, "should_exit", True)  # noqa: E731
                yield Receiver(f"http://127.0.0.1:{listener.getsockname()[1]}", store, stop, handler)
            finally:
                server.should_exit = True
                thread.join(30)
                for logger in loggers:
                    logger.removeHandler(handler)
