"""A receiver in a thread of the tests, with one study, and a sandbox that takes its mail."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from cryptography.fernet import Fernet
from pydantic import SecretStr

from capstan.events import Event, EventGrid
from capstan.form_links import FormLinks
from capstan.settings import Settings
from capstan.store import Store, keep_form_links, load_keys, refer_to
from capstan.triggers import Place
from receiver.opening import make_server

PUBLIC = "https://capstan.example.org"
PROJECT = ("127.0.0.1", 14)
STUDY = """
study: {name}
title: {name}
redcap:
  url: http://127.0.0.1:{port}/api/
  token: {{env: UNUSED_TOKEN}}
  project: {{id: 14, title: Demo, status: development}}
messaging:
  email: {{host: 127.0.0.1, port: {smtp}, security: none, sender: trial@example.org}}
notify:
  staff: {{email: [Ann@Example.org], users: [ben, users-only@example.org]}}
  roles: [{{name: imaging, email: [imaging@example.org]}}]
"""


@dataclass(frozen=True)
class Served:
    """Where a receiver answers, and its store."""

    url: str
    store: Store

    def refer(self, *, study: str = "demo", record: str = "R-7") -> str:
        """The path of a reference to a form."""
        place = Place(record, "base_arm_1", "exam", "")
        return f"/records/{refer_to(self.store, study, project=PROJECT, place=place, now=datetime.now(UTC))}"

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, allow_redirects=False, timeout=10, **options)

    def post(self, path: str, data: Any = None, **options: Any) -> requests.Response:
        return requests.post(self.url + path, data=data, allow_redirects=False, timeout=10, **options)


@contextmanager
def serving_receiver(
    folder: Path,
    *,
    smtp: str,
    redcap: str = "https://redcap.example.org/api/",
    more: str = "",
    **settings: Any,
) -> Iterator[Served]:
    """Serve a receiver whose only study names Ann as staff; `smtp` is a mail server on this machine.

    Its references lead to forms of `redcap`; `more` is the end of the study file.
    """
    studies = folder / "studies"
    (studies / "demo").mkdir(parents=True)
    text = STUDY.format(name="demo", port=9, smtp=smtp.rpartition(":")[2])
    (studies / "demo" / "study.yaml").write_text(text + more, encoding="utf-8")
    made = {"home": folder / "home", "studies": (studies,), "public_url": PUBLIC, **settings}
    values = Settings(key=SecretStr(Fernet.generate_key().decode()), **made)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        ready = threading.Event()
        server = make_server(values, ring=lambda _: None, when_ready=ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        with Store.open(values.store_url, load_keys(values.key, home=values.home)) as store:
            _keep_links(store, redcap)
            thread.start()
            try:
                assert ready.wait(60)
                yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", store)
            finally:
                server.should_exit = True
                thread.join(20)


def _keep_links(store: Store, url: str) -> None:
    grid = EventGrid((Event("base_arm_1", "Base", "1", "0", "40"),), {"1": "One"}, frozenset(), frozenset())
    links = FormLinks.of(url, version="15.2.1", project_id=14, grid=grid)
    for study in ("demo", "other"):
        keep_form_links(store, study, project=PROJECT, links=links, now=datetime.now(UTC))
