"""The doctor looks for the receiver where REDCap would, and `capstan receiver` says what is wrong with a port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from receiver_cases import SECRETS, serving
from receiver_load import STUDY_FILE
from sqlalchemy import text

from capstan.study import Study
from tasks.reaching import look_at_receiver

PLAIN = Study.from_text(STUDY_FILE, source="study.yaml", environment={})
TRIGGERED = Study.from_text(
    f"{STUDY_FILE}triggers: [{{instrument: exam}}]\n", source="study.yaml", environment={}
)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CAPSTAN_PUBLIC_URL", raising=False)


def test_only_a_study_with_triggers_misses_a_public_address() -> None:
    assert list(look_at_receiver(PLAIN)) == []
    assert [finding.verdict for finding in look_at_receiver(TRIGGERED)] == ["warn"]


def test_a_receiver_that_answers_is_told_from_one_whose_store_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path) as served:
        monkeypatch.setenv("CAPSTAN_PUBLIC_URL", served.url)
        before = [finding.verdict for finding in look_at_receiver(PLAIN)]
        with served.store.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        after = [finding.verdict for finding in look_at_receiver(PLAIN)]
        monkeypatch.setenv("CAPSTAN_PUBLIC_URL", f"{served.url}/elsewhere")
        elsewhere = [finding.verdict for finding in look_at_receiver(PLAIN)]

    assert (before, after, elsewhere) == (["ok"], ["fail"], ["fail"])


def test_an_address_where_nobody_answers_or_that_is_not_secret_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for url in (f"http://127.0.0.1:{nobody.getsockname()[1]}", "http://capstan.example.org"):
            monkeypatch.setenv("CAPSTAN_PUBLIC_URL", url)
            found += [finding.verdict for finding in look_at_receiver(PLAIN)]

    assert found == ["warn", "fail"]


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        program, port = Path(sys.executable).with_name("capstan"), taken.getsockname()[1]
        ended = subprocess.run(
            [str(program), "receiver", "serve", "--port", str(port)],
            env={**os.environ, "CAPSTAN_HOME": str(tmp_path), "CAPSTAN_STUDIES": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert ended.returncode == 2
    assert f"capstan: The receiver cannot listen on 127.0.0.1, port {port}" in ended.stderr
    assert "Traceback" not in ended.stderr
