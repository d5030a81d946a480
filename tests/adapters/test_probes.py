"""Probes against real counterparts: a disk, a web server, databases and processes."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import create_engine, text

from capstan.monitors import Evidence
from capstan.monitors.parts import lacking
from capstan.probes import look_at_address, look_in_database, look_in_folder, run_command

PARTS = {"session": "DTI01_CMH_H001_01_01", "site": "CMH", "record": "A-1"}
PATTERN = "{site}/{session}/*.dcm"
THERE, MISSING, UNKNOWN = Evidence.THERE, Evidence.MISSING, Evidence.UNKNOWN


def put(root: Path, name: str = "CMH/DTI01_CMH_H001_01_01/1.dcm") -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"scan")
    return file


def test_a_file_that_the_pattern_matches_is_there(tmp_path: Path) -> None:
    before = look_in_folder(tmp_path, PATTERN, parts=PARTS)
    put(tmp_path)

    assert (before.evidence, look_in_folder(tmp_path, PATTERN, parts=PARTS).evidence) == (MISSING, THERE)


def test_a_folder_counts_once_something_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "CMH" / PARTS["session"]
    folder.mkdir(parents=True)
    empty = look_in_folder(tmp_path, "{site}/{session}", parts=PARTS)
    (folder / "1.dcm").write_bytes(b"scan")

    assert empty.evidence is MISSING
    assert look_in_folder(tmp_path, "{site}/{session}", parts=PARTS).evidence is THERE


def test_a_root_that_is_not_there_proves_nothing(tmp_path: Path) -> None:
    look = look_in_folder(tmp_path / "unmounted", PATTERN, parts=PARTS)

    assert (look.evidence, look.why) == (UNKNOWN, "the root folder cannot be read")


def test_a_link_that_leads_out_of_the_root_does_not_count(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", put(tmp_path / "elsewhere")
    (root / "CMH").mkdir(parents=True)
    (root / "CMH" / PARTS["session"]).symlink_to(outside.parent)

    assert look_in_folder(root, PATTERN, parts=PARTS).evidence is MISSING


@pytest.mark.parametrize(
    "session", ["..", "../CMH", "*", "a/b", "", "-rf", ".hidden", "a b", "a\nb", "$(x)", "[a]"]
)
def test_a_part_that_could_mean_something_else_is_never_put_anywhere(session: str) -> None:
    assert lacking({"session", "site"}, PARTS | {"session": session}) == ("session",)


def test_usual_parts_are_usable() -> None:
    assert lacking({"session", "site", "record"}, PARTS) == ()
    assert lacking({"subject"}, PARTS) == ("subject",)


class Archive(BaseHTTPRequestHandler):
    """An archive: its answers by path, and what it was asked."""

    answers: ClassVar[dict[str, tuple[int, bytes]]] = {
        "/found": (200, b"{}"),
        "/absent": (404, b""),
        "/broken": (500, b""),
        "/moved": (302, b""),
        "/json": (200, b'{"scans": {"count": 3, "none": 0, "list": [{"id": ""}, {"id": "x"}], "empty": []}}'),
        "/text": (200, b"<html>"),
        "/garbled": (200, b"no gzip"),
        "/long": (200, b'"' + b"x" * (2 << 20) + b'"'),
        "/sessions/DTI01_CMH_H001_01_01": (200, b"{}"),
    }
    asked: ClassVar[list[tuple[str, str]]] = []
    may_answer: ClassVar[threading.Event] = threading.Event()

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization", "")))
        if self.path == "/slow":
            self.may_answer.wait(20)
        status, body = self.answers.get(self.path, (404, b""))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/found")
        if self.path == "/garbled":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""


@pytest.fixture(scope="module")
def archive() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Archive) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        Archive.may_answer.set()
        server.shutdown()
        thread.join()


def ask(url: str, **asked: Any) -> Any:
    return look_at_address(url, parts=PARTS, timeout_seconds=asked.pop("timeout_seconds", 5), **asked)


@pytest.mark.parametrize(
    ("path", "evidence", "why"),
    [
        ("/found", THERE, ""),
        ("/sessions/{session}", THERE, ""),
        ("/absent", MISSING, ""),
        ("/broken", UNKNOWN, "the answer was 500"),
        ("/moved", UNKNOWN, "the answer was 302"),
    ],
)
def test_an_address_says_by_its_status_whether_data_are_there(
    archive: str, path: str, evidence: Evidence, why: str
) -> None:
    assert ask(archive + path) == (evidence, why)


@pytest.mark.parametrize(
    ("path", "evidence"),
    [
        ("scans.count", THERE),
        ("scans.list.1.id", THERE),
        ("scans.list.0.id", MISSING),
        ("scans.list.9.id", MISSING),
        ("scans.none", MISSING),
        ("scans.empty", MISSING),
        ("scans.count.deeper", MISSING),
        ("other", MISSING),
    ],
)
def test_an_address_says_by_a_path_of_its_answer_whether_data_are_there(
    archive: str, path: str, evidence: Evidence
) -> None:
    assert ask(f"{archive}/json", path=path).evidence is evidence


@pytest.mark.parametrize(
    ("page", "why"), [("/text", "no JSON"), ("/long", "too long"), ("/garbled", "DecodeError")]
)
def test_an_answer_that_cannot_be_read_proves_nothing(archive: str, page: str, why: str) -> None:
    look = ask(archive + page, path="scans")

    assert look.evidence is UNKNOWN
    assert why in look.why


def test_a_server_that_is_slow_or_not_there_proves_nothing(archive: str) -> None:
    assert ask(f"{archive}/slow", timeout_seconds=1).evidence is UNKNOWN
    assert ask("http://127.0.0.1:9/").evidence is UNKNOWN


def test_the_token_goes_with_the_question_and_not_after_a_redirection(archive: str) -> None:
    Archive.asked.clear()

    ask(f"{archive}/moved", token="s3cret")

    assert Archive.asked == [("/moved", "Bearer s3cret")]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with the scans of one session."""
    url = (
        f"sqlite:///{tmp_path / 'scans.sqlite'}"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE scan (session VARCHAR(100), number INTEGER)"))
        connection.execute(text("INSERT INTO scan VALUES (:session, 1)"), PARTS)
    engine.dispose()
    return url


def query(url: str, sql: str, **changes: str) -> Any:
    return look_in_database(url, sql, parts=PARTS | changes, timeout_seconds=5)


@pytest.mark.parametrize(
    "sql",
    ["SELECT 1 FROM scan WHERE session = :session", "SELECT count(*) FROM scan WHERE session = :session"],
)
def test_a_query_finds_the_data_of_its_session_only(database: str, sql: str) -> None:
    other = "x' OR 'a' = 'a"

    assert query(database, sql).evidence is THERE
    assert query(database, sql, session=other).evidence is MISSING


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM scan",
        "DELETE FROM scan RETURNING 1",
        "DROP TABLE scan",
        "INSERT INTO scan VALUES ('a', 1)",
    ],
)
def test_a_query_cannot_change_anything(database: str, sql: str) -> None:
    assert query(database, sql).evidence is UNKNOWN
    assert query(database, "SELECT count(*) FROM scan WHERE session = :session").evidence is THERE


def test_a_query_that_ends_its_own_transaction_cannot_change_anything_either(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (number INTEGER)"))
        connection.execute(text("INSERT INTO kept VALUES (1)"))

    query(postgres_url, "COMMIT; DELETE FROM kept; COMMIT")

    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM kept")).scalar() == 1
    engine.dispose()


def test_a_query_that_takes_too_long_proves_nothing(postgres_url: str) -> None:
    look = look_in_database(postgres_url, "SELECT pg_sleep(30)", parts={}, timeout_seconds=1)

    assert look.evidence is UNKNOWN


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/scans.sqlite",
        "mysql://host/scans",
        "no address",
        "postgresql+psycopg://ann:pass@word:zebra@host/x",
        "postgresql+psycopg://127.0.0.1:9/x",
    ],
)
def test_a_database_that_cannot_be_asked_proves_nothing_and_none_is_made(url: str) -> None:
    assert query(url, "SELECT 1").evidence is UNKNOWN
    assert not Path("/nowhere").exists()


def test_the_errors_of_a_database_tell_no_values(database: str) -> None:
    look = query(database, "SELECT session + :session FROM nothing", session="ZEBRA")

    assert look.evidence is UNKNOWN
    assert "ZEBRA" not in look.why


def run(folder: Path, code: str, *words: str, timeout_seconds: int = 20, **environment: str) -> int:
    return run_command(
        [sys.executable, "-c", code, *words],
        parts=PARTS,
        environment=environment,
        folder=folder,
        timeout_seconds=timeout_seconds,
    ).exit_code


def test_a_command_says_by_its_exit_code_whether_data_are_there(tmp_path: Path) -> None:
    looks = [
        run_command(
            ["/bin/sh", "-c", f"exit {code}"], parts={}, environment={}, folder=tmp_path, timeout_seconds=5
        ).look.evidence
        for code in (0, 1, 2)
    ]

    assert looks == [THERE, MISSING, UNKNOWN]


def test_a_command_gets_whole_words_and_no_shell_reads_them(tmp_path: Path) -> None:
    code = "import sys; open('said', 'w').write('|'.join(sys.argv[1:]))"

    assert run(tmp_path, code, "{session}", "$HOME", "a b", ";", "`id`") == 0
    assert (tmp_path / "said").read_text() == f"{PARTS['session']}|$HOME|a b|;|`id`"


def test_a_command_gets_a_bounded_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSTAN_KEY", "secret")
    code = "import os; open('said', 'w').write(','.join(sorted(os.environ)))"

    assert run(tmp_path, code, XNAT_USER="ann") == 0
    names = set((tmp_path / "said").read_text().split(","))
    assert {"PATH", "LANG", "XNAT_USER"} <= names <= {"PATH", "LANG", "LC_CTYPE", "XNAT_USER"}


def test_a_command_that_takes_too_long_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open('pid', 'w').write(str(child.pid))\n"
        "time.sleep(60)"
    )

    assert run(tmp_path, code, timeout_seconds=2) == 124
    assert is_gone(int((tmp_path / "pid").read_text()))


def is_gone(pid: int) -> bool:
    """Whether a process has ended; it may be left as a zombie where nobody waits for it."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
            return True
    return False


@pytest.mark.parametrize("program", ["/nowhere/fetch", "/etc/hostname", "no-such-program"])
def test_a_program_that_cannot_be_started_says_so(tmp_path: Path, program: str) -> None:
    ran = run_command([program], parts={}, environment={}, folder=tmp_path, timeout_seconds=5)

    assert ran.exit_code == 127


def test_what_a_command_prints_goes_nowhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "import sys; print('ZEBRA'); print('ZEBRA', file=sys.stderr)") == 0
    assert "ZEBRA" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("name", ["scans.sqlite", "50% of #1.sqlite"])
def test_the_database_of_sqlite_stays_as_it_is(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE scan (session TEXT)")
    connection.close()
    before = file.read_bytes()

    look = query(f"sqlite:///{file}", "SELECT 1 FROM scan")

    assert look.evidence is MISSING
    assert file.read_bytes() == before
