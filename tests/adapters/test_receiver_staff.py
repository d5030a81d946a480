"""Staff at the receiver: signing in by mail or by a proxy, and the way to the very form in REDCap."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests
from served_receiver import PUBLIC, Served, serving_receiver
from starlette.responses import Response

from capstan.store import ask_for_link, link_person, use_link
from receiver.cookies import LIFE, NAME, person_in, set_cookie
from receiver.pages import own_path
from sandbox.server import Running

FORM = "https://redcap.example.org/redcap_v15.2.1/DataEntry/index.php?pid=14&id=R-7&event_id=40&page=exam"
ANN = "ann@example.org"


@pytest.fixture(scope="module")
def mail() -> Iterator[Running]:
    with Running(smtp_port=0) as running:
        yield running


@pytest.fixture(scope="module")
def receiver(mail: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_receiver(tmp_path_factory.mktemp("mail"), smtp=str(mail.smtp)) as served:
        yield served


@pytest.fixture
def fresh(mail: Running, tmp_path: Path) -> Iterator[Served]:
    """A receiver that nobody has asked for a link yet."""
    requests.delete(f"{mail.control_url}mails", timeout=10)
    with serving_receiver(tmp_path, smtp=str(mail.smtp)) as served:
        yield served


@pytest.fixture(scope="module")
def behind_proxy(mail: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = {"user_header": "X-Remote-User", "proxies": "127.0.0.1"}
    with serving_receiver(tmp_path_factory.mktemp("proxy"), smtp=str(mail.smtp), **settings) as served:
        yield served


def signed_in(served: Served, person: str = ANN, *, ago: timedelta = timedelta(0)) -> dict[str, str]:
    """The cookies of a person who signed in some time ago."""
    response = Response()
    set_cookie(response, keys=served.store.keys, person=person, now=datetime.now(UTC) - ago)
    return {NAME: response.headers["set-cookie"].partition("=")[2].partition(";")[0]}


def letters(mail: Running, *, expected: int = 1) -> list[dict[str, str]]:
    """What came by mail, once it is as many as expected: a letter is sent after the answer was."""
    until = time.monotonic() + 20
    found: list[dict[str, str]] = []
    while len(found) < expected and time.monotonic() < until:
        found = requests.get(f"{mail.control_url}mails", timeout=10).json()["mails"]
    return found


def link_in_mail(mail: Running) -> str:
    """The path of the link in the only letter."""
    (letter,) = letters(mail)
    (found,) = re.findall(rf"{re.escape(PUBLIC)}(/sign-in/\S+)", letter["text"])
    return found


def test_who_is_signed_in_is_sent_to_the_very_form(receiver: Served) -> None:
    answer = receiver.get(receiver.refer(), cookies=signed_in(receiver))

    assert (answer.status_code, answer.headers["location"]) == (303, FORM)


def test_who_is_not_signed_in_is_asked_to_and_comes_back(receiver: Served) -> None:
    path = receiver.refer()
    answer = receiver.get(path)

    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


def test_what_is_no_reference_is_not_repeated_to_who_is_not_signed_in(receiver: Served) -> None:
    answer = receiver.get("/records/%0d%0aSet-Cookie:PLANTED")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "PLANTED" not in f"{answer.headers}{answer.text}"


@pytest.mark.parametrize("path", ["/records/" + "0" * 32, "/records/1", "/records/R-7", "/records/%00%ff"])
def test_an_unknown_reference_is_a_plain_page_that_says_record_not_found(receiver: Served, path: str) -> None:
    answer = receiver.get(path, cookies=signed_in(receiver))

    assert answer.status_code == 404
    assert "Record not found" in answer.text


def test_a_record_of_a_study_that_does_not_name_the_person_looks_like_none(receiver: Served) -> None:
    theirs = receiver.get(receiver.refer(study="other"), cookies=signed_in(receiver))
    stranger = receiver.get(receiver.refer(), cookies=signed_in(receiver, "eve@example.org"))
    none = receiver.get("/records/" + "0" * 32, cookies=signed_in(receiver))

    assert (theirs.status_code, stranger.status_code) == (404, 404)
    assert theirs.text == none.text


def test_a_reference_says_nothing_of_the_record_and_is_the_same_each_time(receiver: Served) -> None:
    first, second = receiver.refer(record="PLANTED-1"), receiver.refer(record="PLANTED-1")

    assert first == second != receiver.refer(record="PLANTED-2")
    assert re.fullmatch(r"/records/[0-9a-f]{32}", first)
    with receiver.store.read() as connection:
        kept = connection.exec_driver_sql("SELECT * FROM form_reference").all()
    assert "PLANTED" not in str(kept)


def test_the_log_names_neither_reference_nor_person(
    fresh: Served, mail: Running, caplog: pytest.LogCaptureFixture
) -> None:
    path = fresh.refer()
    with caplog.at_level(logging.INFO, "receiver"):
        fresh.get(path, cookies=signed_in(fresh))
        fresh.get(path)
        fresh.post("/sign-in", {"address": ANN, "next": path})
        fresh.get(link_in_mail(mail))

    assert "open_record" in caplog.text
    assert not re.search(rf"{path[9:]}|ann@|R-7|sign-in/", caplog.text)


def test_a_link_by_mail_signs_in_once_and_leads_on(fresh: Served, mail: Running) -> None:
    path = fresh.refer()
    asked = fresh.post("/sign-in", {"address": " ANN@example.org ", "next": path})
    link = link_in_mail(mail)
    looked = [fresh.get(link) for _ in range(2)]
    done = fresh.post(link.partition("?")[0], {"next": path})
    again = fresh.post(link.partition("?")[0], {"next": path})

    assert asked.status_code == 200
    assert [answer.status_code for answer in looked] == [200, 200]
    assert NAME not in looked[0].cookies
    assert f'url={path}"' in done.text
    flags = done.headers["set-cookie"].lower()
    assert all(flag in flags for flag in ("httponly", "samesite=lax", "secure", "path=/", "max-age=43200"))
    opened = fresh.get(path, cookies={NAME: done.cookies[NAME]})
    assert (opened.status_code, opened.headers["location"]) == (303, FORM)
    assert (again.status_code, again.headers.get("set-cookie")) == (404, None)


def test_the_answer_is_the_same_whether_the_address_is_known_or_not(fresh: Served, mail: Running) -> None:
    known, role, unknown, user = (
        fresh.post("/sign-in", {"address": address, "next": ""})
        for address in (ANN, "imaging@example.org", "eve@example.org", "users-only@example.org")
    )

    assert known.text == role.text == unknown.text == user.text
    assert {answer.status_code for answer in (known, role, unknown, user)} == {200}
    assert {letter["to"] for letter in letters(mail, expected=2)} == {ANN, "imaging@example.org"}


@pytest.mark.parametrize("address", [ANN, "eve@example.org"])
def test_nobody_is_sent_more_than_three_links_at_a_time(fresh: Served, mail: Running, address: str) -> None:
    statuses = [fresh.post("/sign-in", {"address": address, "next": ""}).status_code for _ in range(4)]

    assert statuses == [200, 200, 200, 429]
    sent = 3 if address == ANN else 0
    assert len(letters(mail, expected=sent)) == sent


def test_one_client_may_ask_for_ten_links_at_a_time(fresh: Served) -> None:
    data = [{"address": f"{number}@example.org", "next": ""} for number in range(11)]
    statuses = [fresh.post("/sign-in", each).status_code for each in data]

    assert statuses == [200] * 10 + [429]


def test_one_network_of_64_bits_is_one_client(mail: Running, tmp_path: Path) -> None:
    with serving_receiver(tmp_path, smtp=str(mail.smtp), proxies="127.0.0.1") as served:
        statuses = [
            served.post(
                "/sign-in",
                {"address": f"{number}@example.org", "next": ""},
                headers={"X-Forwarded-For": f"2001:db8::{number}"},
            ).status_code
            for number in range(1, 12)
        ]

    assert statuses == [200] * 10 + [429]


@pytest.mark.parametrize(
    "next_path",
    ["//evil.org", "https://evil.org", "/\\evil.org", "/records/../x", "/records/0?x=1", "javascript:x", ""],
)
def test_nobody_is_sent_anywhere_but_to_a_record_of_ours(
    fresh: Served, mail: Running, next_path: str
) -> None:
    fresh.post("/sign-in", {"address": ANN, "next": next_path})
    link = link_in_mail(mail)
    done = fresh.post(link, {"next": next_path})

    assert "?" not in link
    assert "http-equiv" not in done.text
    assert "evil" not in done.text
    assert own_path(next_path) == ""


def test_the_link_in_the_mail_leads_to_our_own_address_whatever_host_was_asked(
    fresh: Served, mail: Running
) -> None:
    fresh.post(
        "/sign-in", {"address": ANN, "next": ""}, headers={"Host": "evil.org", "X-Forwarded-Host": "evil.org"}
    )

    assert "evil.org" not in letters(mail)[0]["text"]
    assert link_in_mail(mail)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.org"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/" + "a" * 43, "/sign-out"])
def test_a_page_of_another_site_signs_nobody_in_or_out(
    receiver: Served, path: str, headers: dict[str, str]
) -> None:
    answer = receiver.post(path, {"address": ANN, "next": ""}, headers=headers, cookies=signed_in(receiver))

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": PUBLIC}])
def test_our_own_pages_forms_are_taken(receiver: Served, headers: dict[str, str]) -> None:
    assert receiver.post("/sign-out", {"now": "1"}, headers=headers).status_code == 303


def test_a_cookie_that_was_there_before_is_replaced_and_signing_out_removes_it(
    fresh: Served, mail: Running
) -> None:
    planted = signed_in(fresh, "imaging@example.org")
    fresh.post("/sign-in", {"address": ANN, "next": ""}, cookies=planted)
    done = fresh.post(link_in_mail(mail), {"next": ""}, cookies=planted)
    out = fresh.post("/sign-out", {"now": "1"}, cookies=planted)

    assert done.cookies[NAME] != planted[NAME]
    assert person_in(done.cookies[NAME], keys=fresh.store.keys, now=datetime.now(UTC)) == ANN
    assert "max-age=0" in out.headers["set-cookie"].lower()


def test_a_cookie_ends_after_twelve_hours_and_none_but_ours_counts(receiver: Served) -> None:
    keys, path = receiver.store.keys, receiver.refer()
    cookies = [
        signed_in(receiver, ago=LIFE)[NAME],
        signed_in(receiver, ago=-timedelta(minutes=1))[NAME],
        keys.seal(b'["another purpose", "ann@example.org", 1e12]').decode(),
        keys.seal(b'"ann@example.org"').decode(),
        signed_in(receiver)[NAME][:-4],
        "ann@example.org",
        "",
    ]

    statuses = {receiver.get(path, cookies={NAME: cookie}).headers["location"] for cookie in cookies}

    assert statuses == {f"/sign-in?next={path}"}


def test_a_link_ends_after_fifteen_minutes(receiver: Served) -> None:
    asked, store = datetime(2026, 6, 1, 12, tzinfo=UTC), receiver.store
    ask_for_link(store, person=ANN, client="192.0.2.1", link="x" * 43, now=asked)

    late = asked + timedelta(minutes=15)
    assert link_person(store, "x" * 43, now=asked) == ANN
    assert (link_person(store, "x" * 43, now=late), use_link(store, "x" * 43, now=late)) == ("", "")
    assert use_link(store, "x" * 43, now=late - timedelta(seconds=1)) == ANN
    assert use_link(store, "x" * 43, now=asked) == ""


def test_a_proxy_s_word_on_who_asks_is_taken(behind_proxy: Served) -> None:
    path = behind_proxy.refer()
    answers = [behind_proxy.get(path, headers={"X-Remote-User": name}) for name in ("BEN", "Ann@example.org")]

    assert [answer.headers["location"] for answer in answers] == [FORM, FORM]


def test_nobody_else_can_say_who_asks(receiver: Served, behind_proxy: Served) -> None:
    path = receiver.refer()
    direct = receiver.get(path, headers={"X-Remote-User": "ben"})
    twice = HTTPConnection(behind_proxy.url.removeprefix("http://"), timeout=10)
    twice.putrequest("GET", behind_proxy.refer())
    for name in ("ben", "ann@example.org"):
        twice.putheader("X-Remote-User", name)
    twice.endheaders()
    blank = behind_proxy.get(behind_proxy.refer(), headers={"X-Remote-User": ""})

    assert direct.headers["location"].startswith("/sign-in")
    assert blank.headers["location"].startswith("/sign-in")
    assert str(twice.getresponse().headers["location"]).startswith("/sign-in")
    twice.close()


@pytest.mark.parametrize("data", [b"address=%ff", b"", b"address=a&address=b", b"address=" + b"a" * 70_000])
def test_what_no_page_of_ours_sends_is_refused_without_an_error(receiver: Served, data: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = receiver.post("/sign-in", data, headers=headers)

    assert answer.status_code in (400, 413)


def test_pages_run_no_script_and_load_nothing(receiver: Served) -> None:
    answer = receiver.get("/sign-in?next=<script>alert(1)</script>")

    assert "script" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "same-origin")
