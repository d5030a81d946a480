"""Many triggers at once, by several processes, one of which is killed: what was answered is kept, and once."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from receiver_load import STUDY_FILE, serving, tell_all
from sqlalchemy import select
from store_cases import store_url

from capstan.store import Store, load_keys
from capstan.store.inbox_tables import INBOX
from tasks.receiving import trigger_secrets

NOTICES = 500


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return store_url(tmp_path)
    return str(request.getfixturevalue("postgres_url"))


def prepare(url: str, folder: Path) -> tuple[dict[str, str], str]:
    """The environment of a receiver, and the path for triggers."""
    (folder / "studies/demo").mkdir(parents=True)
    (folder / "studies/demo/study.yaml").write_text(STUDY_FILE)
    known = {"CAPSTAN_HOME": folder, "CAPSTAN_STORE": url, "CAPSTAN_STUDIES": folder / "studies"}
    secret = trigger_secrets(load_keys(None, home=folder), "demo")[0]
    return {**os.environ, **{name: str(value) for name, value in known.items()}}, f"/redcap/{secret}"


def times_kept(url: str, folder: Path) -> Counter[str]:
    with Store.open(url, load_keys(None, home=folder)) as store, store.read() as connection:
        sealed = connection.execute(select(INBOX.c.sealed)).scalars()
        return Counter(json.loads(store.keys.unseal(each))["record"] for each in sealed)


def test_what_two_processes_answered_is_kept_once_though_one_is_killed(url: str, tmp_path: Path) -> None:
    environment, path = prepare(url, tmp_path)
    with serving(environment, workers=2) as (address, process):
        whole = tell_all(address + path, range(NOTICES))
        killed, left = workers_of(process.pid)
        threading.Timer(0.2, os.kill, (killed, signal.SIGKILL)).start()
        broken = tell_all(address + path, range(NOTICES, 9 * NOTICES))
        while not (others := workers_of(process.pid) - {killed, left}):
            pass
        process.kill()
        # Whoever starts the receiver again must find its port free.
        while any(Path(f"/proc/{worker}").exists() for worker in (left, *others)):
            pass
    kept = times_kept(url, tmp_path)

    assert len(whole.kept) == NOTICES
    assert len(whole.kept) < len(whole.kept | broken.kept)
    assert whole.refused == broken.refused == 0
    assert {kept[f"R-{number}"] for number in whole.kept | broken.kept} == {1}


def workers_of(pid: int) -> set[int]:
    """The processes that answer for a receiver."""
    found = set()
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(OSError):
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.add(int(child))
    return found


def test_a_receiver_starts_though_prefect_does_not_tell_a_partners_secret(tmp_path: Path) -> None:
    environment, path = prepare(store_url(tmp_path), tmp_path)
    with (tmp_path / "studies/demo/study.yaml").open("a") as file:
        file.write("receiver: {partners: [{name: scanner, secrets: [{prefect_secret: scanner}]}]}\n")
    nobody = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_CLIENT_MAX_RETRIES": "0"}

    with serving({**environment, **nobody}, workers=1) as (address, _):
        told = tell_all(address + path, range(1))

    assert told.kept == {0}
