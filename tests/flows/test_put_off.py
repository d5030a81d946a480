"""Runs for which it is not the time: REDCap is down, or another run of the study has the turn."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from contact_study import Contact, make_contact
from processes import start_flow

from capstan.errors import PutOff, RedcapUnavailable
from capstan.store import (
    BreakerState,
    RunKind,
    RunState,
    Store,
    begin_run,
    end_run,
    list_asked,
    list_runs,
    note_failure,
    read_breaker,
)
from capstan.store.breaker_tables import BREAKER, TURN
from capstan.store.breakers import MOST_FAILURES
from cli.calling import call_flow
from flows.job import telling_of_failure
from tasks.breaker import breaker_name

FLOW, OTHER = "check_replies", "check_deliveries"


@pytest.fixture
def contact(tmp_path: Path, addresses: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Contact:
    return make_contact(tmp_path, addresses, monkeypatch)


@contextmanager
def down(contact: Contact, answer: bytes = b"") -> Iterator[list[str]]:
    """Put a server that gives no usable answer in REDCap's place; gives what it was asked."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(403 if answer else 503)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        turn_to(contact, f"http://127.0.0.1:{server.server_port}/api/")
        try:
            yield asked
        finally:
            server.shutdown()
            thread.join()
            turn_to(contact, contact.study.url)


def turn_to(contact: Contact, url: str) -> None:
    file = contact.study.folder / "study.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    lines = [f"  url: {url}" if line.startswith("  url: ") and "/api/" in line else line for line in lines]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def fail(contact: Contact, times: int, *, url: str = "") -> None:
    with contact.store() as store:
        for _ in range(times):
            note_failure(store, breaker_name(url or contact.study.url), now=datetime.now(UTC))


def pass_time(contact: Contact) -> None:
    """Let the pause before the next trial be over."""
    with contact.store() as store, store.write() as connection:
        connection.execute(BREAKER.update().values(try_at=datetime.now(UTC) - timedelta(seconds=1)))


def outages(contact: Contact) -> list[str]:
    return [mail["text"] for mail in contact.mails() if "REDCap and the runs" in mail["subject"]]


def run(contact: Contact, flow: str = FLOW, **parameters: Any) -> dict[str, Any]:
    return call_flow(flow, {"study": contact.study.name, **parameters})


def state_of(contact: Contact) -> BreakerState | None:
    with contact.store() as store:
        found = read_breaker(store, breaker_name(contact.study.url))
    return found.state if found else None


def test_while_redcap_is_down_runs_are_put_off_without_a_request_and_with_one_notice(
    contact: Contact,
) -> None:
    fail(contact, MOST_FAILURES)
    with contact.store() as store:
        before = len(list_runs(store))
    ended = [run(contact) for _ in range(3)]

    assert [one["outcome"] for one in ended] == ["put off"] * 3
    assert "has given no usable answer since" in ended[0]["reason"]
    with contact.store() as store:
        assert len(list_runs(store)) == before
    (mail,) = outages(contact)
    assert "Runs there are put off" in mail


def test_when_it_answers_again_the_next_run_works_and_says_how_long_it_lasted(contact: Contact) -> None:
    fail(contact, MOST_FAILURES)
    run(contact)
    pass_time(contact)
    ended = [run(contact) for _ in range(2)]

    assert [one["outcome"] for one in ended] == ["idle", "idle"]
    assert state_of(contact) is BreakerState.CLOSED
    mail, _ = outages(contact)
    assert "answers again, after 1 min. Runs go on; 1 run was put off meanwhile." in mail


def test_the_failure_that_opens_the_breaker_is_told_as_an_outage_and_as_nothing_else(
    contact: Contact,
) -> None:
    with down(contact) as asked:
        url = (contact.study.folder / "study.yaml").read_text(encoding="utf-8").split("url: ")[1].split()[0]
        fail(contact, MOST_FAILURES - 1, url=url)
        ended = run(contact)

    assert asked
    assert ended["outcome"] == "put off"
    assert [mail["subject"] for mail in contact.mails()] == ["[trial] REDCap and the runs"]


def test_runs_that_were_under_way_when_redcap_went_down_are_told_of_by_the_outage_alone(
    contact: Contact,
) -> None:
    fail(contact, MOST_FAILURES)
    for flow in (FLOW, OTHER):
        with (
            pytest.raises(RedcapUnavailable),
            telling_of_failure(contact.study.name, flow=flow, dry_run=False),
        ):
            raise RedcapUnavailable("REDCap gave no usable answer.")

    assert [mail["subject"] for mail in contact.mails()] == ["[trial] REDCap and the runs"]


def test_a_run_that_was_put_off_is_asked_for_again_and_takes_place_by_itself(contact: Contact) -> None:
    fail(contact, MOST_FAILURES)
    run(contact)
    with contact.store() as store:
        waiting = [one.flow for one in list_asked(store, study=contact.study.name)]
    pass_time(contact)
    ended = run(contact, "ingest_triggers")

    assert waiting == [FLOW]
    assert ended["runs"] == {f"{FLOW}: idle": 1}
    with contact.store() as store:
        assert list_asked(store, study=contact.study.name) == ()


def test_a_dry_run_is_put_off_and_neither_told_nor_asked_for(contact: Contact) -> None:
    fail(contact, MOST_FAILURES)
    ended = run(contact, dry_run=True)

    assert ended["outcome"] == "put off"
    assert contact.mails() == []
    with contact.store() as store:
        assert list_asked(store) == ()


def test_what_a_person_waits_for_is_refused_instead(contact: Contact, tmp_path: Path) -> None:
    fail(contact, MOST_FAILURES)
    file = tmp_path / "rows.csv"
    file.write_text("record_id\n1\n", encoding="utf-8")

    with pytest.raises(PutOff, match="no usable answer"):
        run(contact, "import_records", file=str(file))


def test_a_person_sees_a_ban_and_closes_it(contact: Contact, capstan: CommandLine) -> None:
    host = breaker_name(contact.study.url)
    with contact.store() as store:
        note_failure(store, host, is_ban=True, now=datetime.now(UTC))
    put_off = capstan("run", FLOW, "--study", contact.study.name)
    listed = capstan("breaker", "list")
    closed = capstan("breaker", "close", host.upper())
    again = capstan("breaker", "close", host)
    (told,) = json.loads(capstan("breaker", "list", "--json").out)["breakers"]

    assert put_off.code == 0
    assert f"capstan breaker close {host}" in put_off.err
    assert "banned" in listed.out
    assert closed.code == 0
    assert again.code == 2
    assert told["state"] == "closed"
    assert run(contact)["outcome"] == "idle"


def open_other(store: Store, contact: Contact) -> Any:
    return begin_run(
        store,
        contact.study.name,
        flow="compute_visit_dates",
        kind=RunKind.WRITE,
        project_id=contact.study.project_id,
        host="127.0.0.1",
        now=datetime.now(UTC),
    )


def wait_for_turn(store: Store) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with store.read() as connection:
            if connection.execute(TURN.select()).first():
                return
    raise AssertionError("nobody waits")


def environment(contact: Contact) -> dict[str, str]:
    """What a process needs to work on the study and to tell its staff."""
    return {
        **contact.study.environment,
        "TRIAL_TWILIO_ACCOUNT": contact.addresses["twilio_account_sid"],
        "TRIAL_TWILIO_TOKEN": contact.addresses["twilio_auth_token"],
    }


def test_a_run_waits_until_the_other_one_of_its_study_has_ended(contact: Contact) -> None:
    with contact.store() as store:
        other = open_other(store, contact)
        waiting = start_flow(OTHER, {"study": contact.study.name}, environment=environment(contact))
        wait_for_turn(store)
        ended_at = datetime.now(UTC)
        end_run(store, other, state=RunState.IDLE, now=ended_at)
        ended = waiting.end()
        (begun,) = [one.started_at for one in list_runs(store) if one.flow == OTHER]

    assert ended.summary["outcome"] == "idle"
    assert begun >= ended_at


def test_a_run_that_has_waited_long_enough_is_put_off(
    contact: Contact, monkeypatch: pytest.MonkeyPatch, capstan: CommandLine
) -> None:
    monkeypatch.setenv("CAPSTAN_WAIT_MINUTES", "0")
    with contact.store() as store:
        other = open_other(store, contact)
        ended = capstan("run", FLOW, "--study", contact.study.name, "--json")
        end_run(store, other, state=RunState.IDLE, now=datetime.now(UTC))

    assert ended.code == 0
    assert json.loads(ended.out.splitlines()[-1])["outcome"] == "put off"
    assert "CAPSTAN_WAIT_MINUTES" in ended.err


def test_of_many_runs_at_once_none_is_lost_and_none_goes_together_with_another(contact: Contact) -> None:
    calls = [("send_messages", {}), (OTHER, {}), (OTHER, {"dry_run": True}), (OTHER, {})]
    started = [
        start_flow(flow, {"study": contact.study.name, **more}, environment=environment(contact))
        for flow, more in calls
    ]
    outcomes = [one.end().summary["outcome"] for one in started]
    with contact.store() as store:
        runs = sorted((one for one in list_runs(store) if not one.dry_run), key=lambda one: one.started_at)

    assert set(outcomes) <= {"idle", "dry run", "put off"}
    assert {one.flow for one in runs} == {"send_messages", OTHER}
    for earlier, later in pairwise(runs):
        assert earlier.ended_at is not None
        assert earlier.ended_at <= later.started_at
