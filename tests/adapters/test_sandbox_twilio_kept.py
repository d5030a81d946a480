"""What of the sandbox's Twilio outlives a killed process, and its one clock."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_clients import control, new_project, post
from twilio_bench import NOON, NUMBER, Bench, open_bench, receiving

from sandbox.control import clock, twilio
from sandbox.control.routes import WORKS
from sandbox.server import CannotServe, Running, serve

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bench(server: Running) -> Iterator[Bench]:
    with open_bench(server) as opened:
        yield opened


@dataclass
class Served:
    """A sandbox in a process of its own."""

    process: subprocess.Popen
    said: dict[str, str]

    def create(self, phone: str, body: str, **more: str) -> requests.Response:
        sid, token = self.said["twilio_account_sid"], self.said["twilio_auth_token"]
        url = f"{self.said['twilio_url']}/2010-04-01/Accounts/{sid}/Messages.json"
        fields = {"To": phone, "From": NUMBER, "Body": body, **more}
        return requests.post(url, data=fields, auth=(sid, token), timeout=10)

    def control(self, path: str, body: Any = None, *, method: str = "POST") -> Any:
        return requests.request(method, self.said["control_url"] + path, json=body, timeout=30).json()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=20)


@contextmanager
def serving(state: Path) -> Iterator[Served]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--state", str(state)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Served(process, json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_a_killed_sandbox_keeps_every_message_once(tmp_path: Path) -> None:
    with receiving("") as receiver:
        with serving(tmp_path) as first:
            first.control("clock", {"now": NOON})
            said = dict(first.said)
            acknowledged: list[str] = []

            def send(number: int) -> None:
                if len(acknowledged) >= 60:
                    first.kill()
                with suppress(requests.exceptions.RequestException):
                    created = first.create("+12065550160", str(number), StatusCallback=receiver.url)
                    acknowledged.append(created.json()["body"])

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(send, range(120)))
        with serving(tmp_path) as second:
            before = second.control("state", method="GET")
            second.control("advance", {"seconds": 600})
            after = second.control("state", method="GET")

    kept = [one["body"] for one in before["messages"]]
    assert 60 <= len(acknowledged) < 120
    assert len(set(kept)) == len(kept)
    assert set(acknowledged) <= set(kept)
    assert {one["status"] for one in after["messages"]} == {"delivered"}
    told = [(one.fields["MessageSid"], one.fields["MessageStatus"]) for one in receiver.got]
    assert len(told) == len(set(told)) == 2 * len(kept)
    assert (second.said["twilio_account_sid"], second.said["twilio_auth_token"]) == (
        said["twilio_account_sid"],
        said["twilio_auth_token"],
    )


def test_a_post_that_a_kill_cut_off_is_made_after_the_restart(tmp_path: Path) -> None:
    with receiving("") as receiver:
        with serving(tmp_path) as first:
            receiver.meanwhile = first.kill
            with suppress(requests.exceptions.RequestException):
                first.create("+12065550106", "x", StatusCallback=receiver.url)
            receiver.meanwhile = lambda: None
        with serving(tmp_path) as second:
            second.control("advance", {"seconds": 10})
            state = second.control("state", method="GET")

    assert receiver.statuses() == ["sent", "sent", "delivered"]
    assert [one["status"] for one in state["messages"]] == ["delivered"]
    assert state["pending"] == {"events": 0, "webhooks": 0, "next_due": None}


def test_clock_opt_outs_and_settings_outlive_a_restart(tmp_path: Path) -> None:
    with Running(state_dir=tmp_path) as first:
        control(first, "clock", {"now": "2026-06-01T12:00:00"})
        control(first, "advance", {"seconds": 60})
        control(first, "inbound", {"from": "+12065550160", "to": NUMBER, "body": "STOP"})
        control(first, "config", {"countries": ["US"]})

    with Running(state_dir=tmp_path) as second:
        clock = control(second, "clock", method="GET")
        state = control(second, "state", method="GET")
        config = control(second, "config", method="GET")

    assert (clock["now"], clock["is_frozen"]) == ("2026-06-01 12:01:00", True)
    assert [one["phone"] for one in state["opt_outs"]] == ["+12065550160"]
    assert config["countries"] == ["US"]


def test_the_account_is_read_from_a_file_that_only_its_owner_may_read(tmp_path: Path) -> None:
    with Running(state_dir=tmp_path) as first:
        file = tmp_path / "twilio.json"
        document = json.loads(file.read_text())
        mode = file.stat().st_mode & 0o777
        assert document["auth_token"] == first.addresses()["twilio_auth_token"]
    file.write_text(json.dumps({**document, "auth_token": "chosen-by-hand"}))

    with Running(state_dir=tmp_path) as second:
        token = second.addresses()["twilio_auth_token"]

    assert (mode, token) == (0o600, "chosen-by-hand")


@pytest.mark.parametrize("text", ["{", "[]", '{"account_sid": "AC1"}'])
def test_a_file_that_cannot_be_used_is_told_without_a_traceback(tmp_path: Path, text: str) -> None:
    (tmp_path / "twilio.json").write_text(text)

    with pytest.raises(CannotServe, match=r"twilio\.json|account_sid"):
        serve(state_dir=tmp_path)


def test_redcap_and_twilio_have_one_clock(bench: Bench) -> None:
    token = new_project(bench.server)
    bench.advance(3600)
    post(
        bench.server,
        token,
        "record",
        data='[{"record_id": "1", "born": "2000-01-01"}]',
        format="json",
        type="flat",
    )
    logged = post(bench.server, token, "log", format="json").json()[0]["timestamp"]
    shown = control(bench.server, "clock", method="GET")

    assert logged == shown["now"][:16]
    assert shown["utc"] == "2026-06-01T13:00:00+00:00"


def test_advancing_makes_everything_happen_in_its_order_and_waits(bench: Bench) -> None:
    bench.control("config", {"delays_by_fate": {"61": {"delivered": 50}, "62": {"delivered": 20}}})
    for phone, sender in (
        ("+12065550161", NUMBER),
        ("+12065550162", "+18885550100"),
        ("+12065550163", "55500"),
    ):
        bench.send(phone, from_=sender)

    count = bench.advance(60)

    ended = [
        one.fields["To"][-2:] for one in bench.receiver.got if one.fields["MessageStatus"] == "delivered"
    ]
    assert ended == ["63", "62", "61"]
    assert count == 9


def test_each_post_sees_the_clock_of_its_event(bench: Bench) -> None:
    seen: list[str] = []
    bench.receiver.meanwhile = lambda: seen.append(control(bench.server, "clock", method="GET")["now"][-5:])
    bench.control("config", {"delays": {"sent": 60, "delivered": 120}})
    bench.send()

    bench.advance(600)

    assert seen == ["01:00", "02:00"]


def test_a_fast_clock_lets_events_happen_by_themselves(bench: Bench) -> None:
    bench.send("+12065550101")
    control(bench.server, "clock", {"speed": 50_000})
    until = time.monotonic() + 10

    while bench.receiver.statuses() != ["sent", "delivered"]:
        assert time.monotonic() < until

    assert control(bench.server, "clock", method="GET")["speed"] == 50_000


def test_a_clock_that_runs_goes_on_after_it_was_advanced(bench: Bench) -> None:
    control(bench.server, "clock", {"now": NOON, "speed": 1})

    bench.advance(86_400)

    shown = control(bench.server, "clock", method="GET")
    assert (shown["utc"][:13], shown["speed"]) == ("2026-06-02T12", 1)


@pytest.mark.parametrize(
    "body", [{"now": "tomorrow"}, {"now": "0001-01-01"}, {"speed": -1}, {"now": "9999-01-01"}]
)
def test_a_clock_that_cannot_be_is_refused(bench: Bench, body: dict) -> None:
    url = bench.server.control_url + "clock"

    answer = requests.post(url, json=body, timeout=9)

    assert answer.status_code == 400
    assert control(bench.server, "clock", method="GET")["utc"] == NOON


def test_news_are_streamed_as_they_happen(bench: Bench) -> None:
    url = bench.server.control_url + "events"
    sid = bench.send(status_callback=None).sid

    with requests.get(url, headers={"Last-Event-ID": "0"}, stream=True, timeout=9) as stream:
        lines = (line for line in stream.iter_lines(decode_unicode=True) if line.startswith("data:"))
        news = next(one for one in map(json.loads, (line[5:] for line in lines)) if one["sid"] == sid)

    assert news["kind"] == "message"


def test_the_state_says_how_often_each_text_went_to_each_phone(bench: Bench) -> None:
    for phone, body in (
        ("+12065550160", "a"),
        ("+12065550160", "a"),
        ("+12065550160", "b"),
        ("+12065550161", "a"),
    ):
        bench.send(phone, body)

    state = bench.state()

    counts = {(one["to"][-2:], one["body"]): one["count"] for one in state["counts"]}
    assert counts == {("60", "a"): 2, ("60", "b"): 1, ("61", "a"): 1}
    assert state["pending"]["events"] == 12


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = """
seconds speed now from to body media service number fate faults status headers close after count probability seed
method on at n max_concurrent per_second delays numbers services callback_hosts signature redaction
"""
CONTROLS = [one[:2] for one in WORKS if one[2].__module__ in (twilio.__name__, clock.__name__)]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=st.sampled_from(CONTROLS),
    body=st.dictionaries(st.sampled_from(NAMES.split()), ANY | st.just(NUMBER), max_size=5),
)
def test_no_control_of_messages_ever_fails_by_itself(
    bench: Bench, where: tuple[str, str], body: dict[str, object]
) -> None:
    url = bench.server.base_url + where[1][1:]

    answer = requests.request(where[0], url, data=json.dumps(body).encode("utf-8", "replace"), timeout=20)
    bench.control("faults", method="DELETE")

    assert answer.status_code in (200, 400), answer.text


FORM = [
    "To",
    "From",
    "Body",
    "MessagingServiceSid",
    "StatusCallback",
    "ValidityPeriod",
    "SendAt",
    "MediaUrl",
    "Status",
]
FIELD = st.text(max_size=30) | st.sampled_from(["+12065550160", NUMBER, "fixed", "http://127.0.0.1:1/x#rc=5"])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=st.dictionaries(st.sampled_from(FORM), FIELD, max_size=6), rest=st.text(max_size=12))
def test_no_request_ever_fails_by_itself(bench: Bench, form: dict[str, str], rest: str) -> None:
    own = bench.server.addresses()
    auth = (str(own["twilio_account_sid"]), str(own["twilio_auth_token"]))
    folder = f"{own['twilio_url']}/2010-04-01/Accounts/{auth[0]}/Messages"

    posted = bench.post(**form)
    read = requests.get(f"{folder}.json", params={**form, "PageToken": rest}, auth=auth, timeout=9)
    odd = requests.get(f"{folder}/{requests.utils.quote(rest, safe='')}.json", auth=auth, timeout=9)

    assert posted.status_code in (201, 400, 404, 429), posted.text
    assert read.status_code in (200, 400), read.text
    assert odd.status_code == 404
