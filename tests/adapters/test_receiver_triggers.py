"""Triggers over the wire: what is REDCap's is kept before it is answered, and nothing else is."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.fernet import Fernet
from receiver_cases import SECRETS, STUDY, Receiver, serving
from receiver_load import trigger
from sqlalchemy import text

import receiver.opening
import receiver.writer
from tasks.receiving import trigger_secrets

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Receiver]:
    with serving(tmp_path) as running:
        yield running


def test_a_trigger_is_in_the_store_as_it_came_when_it_is_answered(served: Receiver) -> None:
    answer = served.tell(7, redcap_repeat_instance="2", username="zoë o'neil")

    assert (answer.status_code, answer.content) == (204, b"")
    (kept,) = served.kept()
    assert (kept.source, kept.times_seen) == ("redcap", 1)
    assert kept.form == trigger(7, redcap_repeat_instance="2", username="zoë o'neil")


def test_the_same_trigger_again_is_counted_and_another_one_is_kept(served: Receiver) -> None:
    for number in (1, 1, 2, 1):
        served.tell(number)

    assert [(kept.form["record"], kept.times_seen) for kept in served.kept()] == [("R-1", 3), ("R-2", 1)]


def test_the_bell_is_rung_for_the_study_after_the_answer(tmp_path: Path) -> None:
    rung: list[str] = []
    heard = threading.Event()

    def ring(study: str) -> None:
        rung.append(study)
        heard.set()

    with serving(tmp_path, ring=ring) as served:
        served.tell()
        assert heard.wait(20)

    assert rung == ["demo"]


def test_a_wrong_secret_finds_nothing_and_keeps_nothing(served: Receiver) -> None:
    right = served.trigger_path
    paths = [
        right[:-1],
        right + "A",
        right[:-1] + ("A" if right[-1] != "A" else "B"),
        "/redcap/demo",
        "/redcap/é",
    ]
    answers = [served.post(path, trigger(1)) for path in paths]

    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b"")}
    assert served.kept() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"project_id": "15"},
        {"project_id": "14.0"},
        {"redcap_url": "https://elsewhere.test/"},
        {"redcap_url": "https://redcap.test.elsewhere.test/"},
        {"redcap_url": "https://[redcap.test"},
    ],
)
def test_a_trigger_of_a_copied_project_is_refused_like_a_wrong_secret(
    served: Receiver, fields: dict[str, str]
) -> None:
    answer = served.tell(1, **fields)

    assert (answer.status_code, answer.content, served.kept()) == (404, b"", [])
    assert served.hears("(wrong project)")


def test_the_secret_holds_as_long_as_its_key_is_listed(tmp_path: Path) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    with serving(tmp_path, key=old) as served:
        path = served.trigger_path
        served.post(path, trigger(1))
    with serving(tmp_path, key=f"{new},{old}") as served:
        newest = served.trigger_path
        both = [served.post(one, trigger(2)).status_code for one in (path, newest)]
    with serving(tmp_path, key=new) as served:
        left = [served.post(one, trigger(3)).status_code for one in (path, newest)]

    assert newest != path
    assert (both, left) == ([204, 204], [404, 204])


def test_studies_have_different_secrets_which_the_store_does_not_hold(
    served: Receiver, tmp_path: Path
) -> None:
    served.tell()
    words = [trigger_secrets(served.store.keys, name)[0] for name in ("demo", "other")]
    on_disk = b"".join(path.read_bytes() for path in (tmp_path / "home").iterdir())

    assert words[0] != words[1]
    assert all(len(word) == 43 for word in words)
    assert words[0].encode() not in on_disk


def test_an_address_list_keeps_others_out(tmp_path: Path) -> None:
    study = STUDY.replace("receiver:", "receiver:\n  addresses: [203.0.113.0/24]")
    told = {"X-Forwarded-For": "203.0.113.7"}
    with serving(tmp_path, study=study) as served:
        believed_nobody = served.post(served.trigger_path, trigger(1), headers=told).status_code
    with serving(tmp_path, study=study, proxies="127.0.0.1") as served:
        by_proxy = served.post(served.trigger_path, trigger(2), headers=told).status_code
        forged = {"X-Forwarded-For": "203.0.113.7, 198.51.100.1"}
        from_elsewhere = served.post(served.trigger_path, trigger(3), headers=forged).status_code

    assert (believed_nobody, by_proxy, from_elsewhere) == (404, 204, 404)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("record=1", {}, 400),
        ("", {}, 400),
        ("a=1&a=2&record=1", {}, 400),
        ("record=%FF", {}, 400),
        ("record=%00", {}, 400),
        ("&".join(f"f{number}=1" for number in range(200)), {}, 400),
        ("record=" + "x" * 3000, {}, 400),
        ("record=" + "x" * (65 << 10), {}, 413),
        ("{}", {"Content-Type": "application/json"}, 415),
        ("record=1", {"Content-Type": "text/plain"}, 415),
        ("record=1", {"Content-Encoding": "gzip"}, 415),
    ],
)
def test_what_is_no_trigger_is_refused_whole(
    served: Receiver, body: str, headers: dict[str, str], status: int
) -> None:
    answer = served.post(served.trigger_path, body, headers={"Content-Type": FORM, **headers})

    assert (answer.status_code, answer.content, served.kept()) == (status, b"", [])


def test_a_body_without_a_length_is_bounded_too(served: Receiver) -> None:
    endless = (b"record=" + b"x" * 10_000 for _ in range(10))
    answer = served.post(served.trigger_path, endless, headers={"Content-Type": FORM})

    assert answer.status_code == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_only_posts_are_taken(served: Receiver, method: str) -> None:
    answer = requests.request(method, served.url + served.trigger_path, timeout=20)

    assert (answer.status_code, answer.content) == (405, b"")


def test_every_answer_has_the_headers_of_safety(served: Receiver) -> None:
    for answer in (served.tell(), served.post("/nothing"), requests.get(f"{served.url}/health", timeout=20)):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "server" not in answer.headers


def test_who_is_wrong_too_often_is_told_to_be_quiet_and_the_right_ones_are_still_heard(
    served: Receiver,
) -> None:
    wrong = {
        served.post("/redcap/wrong", trigger(1)).status_code for _ in range(receiver.opening.WRONG_BURST + 5)
    }
    last = served.post("/redcap/wrong", trigger(1))

    assert wrong == {404, 429}
    assert (last.status_code, last.headers["Retry-After"]) == (429, "5")
    assert served.tell().status_code == 204


def test_a_store_that_fails_is_said_to_the_sender_and_is_not_the_end(served: Receiver) -> None:
    with served.store.write() as connection:
        connection.execute(text("ALTER TABLE inbox RENAME TO away"))
    broken = served.tell(1)
    with served.store.write() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO inbox"))
    mended = served.tell(2)

    assert (broken.status_code, broken.headers["Retry-After"], broken.content) == (503, "5", b"")
    assert mended.status_code == 204
    assert [kept.form["record"] for kept in served.kept()] == ["R-2"]


def test_a_store_that_is_busy_too_long_keeps_the_trigger_after_the_answer(
    served: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver.writer, "ANSWER_SECONDS", 0.2)
    with _busy(tmp_path):
        slow = served.tell(1)
    later = served.tell(2)

    assert (slow.status_code, slow.headers["Retry-After"], later.status_code) == (503, "5", 204)
    assert [kept.form["record"] for kept in served.kept()] == ["R-1", "R-2"]


def test_a_server_that_ends_answers_what_waits(served: Receiver, tmp_path: Path) -> None:
    answers: list[requests.Response] = []
    telling = threading.Thread(target=lambda: answers.append(served.tell(1)))
    with _busy(tmp_path):
        telling.start()
        while not _threads("writer"):
            pass
        served.stop()
    telling.join(30)

    assert [answer.status_code for answer in answers] == [204]
    assert len(served.kept()) == 1


def test_readiness_looks_at_the_store_and_health_does_not(served: Receiver) -> None:
    before = [requests.get(served.url + path, timeout=20).status_code for path in ("/health", "/ready")]
    with served.store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    after = [requests.get(served.url + path, timeout=20).status_code for path in ("/health", "/ready")]

    assert (before, after) == ([200, 200], [200, 503])


def test_a_study_that_changes_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver.opening, "REFRESH_SECONDS", 0.05)
    with serving(tmp_path) as served:
        first = served.tell(1, project_id="15").status_code
        file = tmp_path / "studies/demo/study.yaml"
        file.write_text("spoiled: [")
        assert served.hears("A study is not served")
        still = served.tell(1).status_code
        file.write_text(STUDY.replace("id: 14", "id: 15"))
        while served.tell(2, project_id="15").status_code != 204:
            pass

    assert (first, still) == (404, 204)


def test_no_line_of_the_log_has_a_secret_or_anything_of_the_trigger(served: Receiver) -> None:
    served.tell(7)
    served.tell(8, project_id="15")
    served.post(f"{served.trigger_path}x?record=R-7", trigger(7))
    requests.get(f"{served.url}/R-7?secret=1", timeout=20)
    heard = [served.hears(words) for words in ("POST take_trigger 204", "(wrong project)", "GET nothing 404")]
    said = "\n".join(served.log.lines)

    assert heard == [True, True, True]
    assert not any(
        word in said for word in (served.trigger_path[8:], "R-7", "R-8", "zoe", "secret=1", "127.0.0.1")
    )


def _busy(folder: Path) -> Any:
    """Another process's transaction that writes, for as long as the `with` lasts."""
    connection = sqlite3.connect(folder / "home/store.sqlite", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")

    class _Transaction:
        def __enter__(self) -> None:
            return None

        def __exit__(self, *_: object) -> None:
            connection.execute("ROLLBACK")
            connection.close()

    return _Transaction()


def _threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]
