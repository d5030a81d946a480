"""The sandbox's Twilio under the real library: create, list, change, refuse, and lose answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import requests
from sandbox_clients import control
from twilio.base.exceptions import TwilioRestException
from twilio_bench import NUMBER, Bench, new_client, open_bench

from sandbox.server import Running

LATER = datetime(2026, 6, 1, 13, tzinfo=UTC)


@pytest.fixture
def bench(server: Running) -> Iterator[Bench]:
    with open_bench(server) as opened:
        yield opened


def refusal(call) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as refused:
        call()
    return refused.value.status, refused.value.code


def test_a_message_is_created_fetched_and_delivered(bench: Bench) -> None:
    created = bench.send(body="Curly ’ quote")
    first = created.status, created.date_sent, created.price, created.num_segments
    bench.advance(10)

    fetched = bench.client.messages(created.sid).fetch()

    assert first == ("queued", None, None, "1")
    assert (fetched.status, fetched.body, fetched.price) == ("delivered", "Curly ’ quote", "-0.00830")
    assert (fetched.from_, fetched.to, fetched.error_code) == (NUMBER, "+12065550160", None)
    assert fetched.date_created == datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_service_hides_number_and_segments_at_first(bench: Bench) -> None:
    created = bench.send(messaging_service_sid=bench.service)
    bench.advance(10)

    fetched = bench.client.messages(created.sid).fetch()

    assert (created.status, created.from_, created.num_segments) == ("accepted", None, "0")
    assert (fetched.status, fetched.from_, fetched.num_segments) == ("delivered", NUMBER, "1")


def test_what_failed_later_says_why(bench: Bench) -> None:
    created = bench.send("+12065550112")
    bench.advance(10)

    fetched = bench.client.messages(created.sid).fetch()

    assert (fetched.status, fetched.error_code) == ("undelivered", 30005)
    assert "30005" in fetched.error_message


def test_ninety_eight_messages_come_page_by_page_without_loss(bench: Bench) -> None:
    sids = [bench.send(body=str(number), from_="55500").sid for number in range(98)]
    pages = bench.client.messages.page(to="+12065550160", page_size=7)
    listed = [one.sid for one in pages]
    count = 1
    while (pages := pages.next_page()) is not None:
        # What comes in meanwhile shifts nothing.
        bench.send(body="meanwhile")
        listed += [one.sid for one in pages]
        count += 1

    assert listed == sids[::-1]
    assert count == 14


def test_lists_are_filtered_by_number_and_moment_of_sending(bench: Bench) -> None:
    early = bench.send("+12065550161").sid
    bench.advance(3600)
    late = bench.send("+12065550162", from_="+18885550100").sid
    bench.advance(10)
    unsent = bench.send("+12065550161").sid
    moment = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)

    def sids(**wanted) -> list[str]:
        return [one.sid for one in bench.client.messages.list(**wanted)]

    assert sids() == [unsent, late, early]
    assert sids(to="+12065550161") == [unsent, early]
    assert sids(from_="+18885550100") == [late]
    assert sids(date_sent_after=moment) == [late]
    assert sids(date_sent_before=moment) == [early]
    assert sids(date_sent=date(2026, 6, 1)) == [late, early]
    assert sids(date_sent=date(2026, 6, 2)) == []


def test_a_body_is_emptied_and_a_finished_message_deleted(bench: Bench) -> None:
    sid = bench.send(body="Private").sid
    too_early = refusal(bench.client.messages(sid).delete)
    bench.advance(10)

    emptied = bench.client.messages(sid).update(body="")
    deleted = bench.client.messages(sid).delete()

    assert too_early == (409, 20009)
    assert (emptied.body, deleted) == ("", True)
    assert refusal(bench.client.messages(sid).fetch) == (404, 20404)
    assert [(one["body"], one["is_deleted"]) for one in bench.state()["messages"]] == [("Private", True)]


def test_only_a_scheduled_message_can_be_canceled(bench: Bench) -> None:
    scheduled = bench.send(messaging_service_sid=bench.service, schedule_type="fixed", send_at=LATER)
    sent = bench.send()

    canceled = bench.client.messages(scheduled.sid).update(status="canceled")

    assert (scheduled.status, canceled.status) == ("scheduled", "canceled")
    assert refusal(lambda: bench.client.messages(sent.sid).update(status="canceled")) == (400, 20001)


def test_refusals_are_in_twilios_shape(bench: Bench) -> None:
    answer = bench.post(To="+12065550121", From=NUMBER, Body="x")

    assert answer.status_code == 400
    assert answer.json() == {
        "code": 21610,
        "message": "Attempt to send to unsubscribed recipient",
        "more_info": "https://www.twilio.com/docs/errors/21610",
        "status": 400,
    }


def test_who_asks_comes_before_what_for(server: Running, bench: Bench) -> None:
    own = server.addresses()
    sid, token = str(own["twilio_account_sid"]), str(own["twilio_auth_token"])
    other = "AC" + "1" * 32
    key, secret = next(iter(bench.control("config", method="GET")["api_keys"].items()))

    def answer(client) -> tuple[int, int]:
        return refusal(lambda: client.messages.create("+12065550160", body="x"))

    assert answer(new_client(server, token="wrong")) == (401, 20003)
    assert answer(new_client(server, other, token)) == (404, 20404)
    assert answer(new_client(server, other, "wrong")) == (401, 20003)
    assert answer(new_client(server, sid, token)) == (400, 21603)
    assert requests.get(f"{own['twilio_url']}/2010-04-01/Accounts/{sid}.json", timeout=9).status_code == 401
    with_key = requests.get(
        f"{own['twilio_url']}/2010-04-01/Accounts/{sid}.json", auth=(key, secret), timeout=9
    )
    assert with_key.json()["status"] == "active"


def test_foreign_credentials_are_warned_of_and_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    with Running() as fresh, caplog.at_level(logging.WARNING, logger="sandbox"):
        stranger = new_client(fresh, "AC" + "5" * 32, "l1ve-t0ken")
        refusal(lambda: stranger.messages.create("+12065550160", body="x"))

    assert "not this sandbox's own" in caplog.text
    assert "l1ve" not in caplog.text + str(caplog.records)


@pytest.mark.parametrize("path", ["Calls.json", "Messages", "Messages/SM1.json", "Usage/Records.json"])
def test_what_is_not_there_is_not_found_in_twilios_shape(bench: Bench, path: str) -> None:
    own = bench.server.addresses()
    sid, token = str(own["twilio_account_sid"]), str(own["twilio_auth_token"])

    answer = requests.get(
        f"{own['twilio_url']}/2010-04-01/Accounts/{sid}/{path}", auth=(sid, token), timeout=9
    )

    assert (answer.status_code, answer.json()["code"]) == (404, 20404)


def test_a_throttled_request_may_come_again(bench: Bench) -> None:
    first = bench.post(To="+12065550127", From=NUMBER, Body="x")
    codes = [bench.post(To="+12065550127", From=NUMBER, Body="x").status_code for _ in range(2)]

    assert (first.status_code, first.headers["Retry-After"], first.json()["code"]) == (429, "1", 20429)
    assert codes == [429, 201]


def test_too_many_requests_a_second_are_throttled(bench: Bench) -> None:
    bench.control("limits", {"per_second": 3})

    codes = [bench.post(To="+12065550160", From=NUMBER, Body="x").status_code for _ in range(6)]

    assert codes[:4] == [201, 201, 201, 429]
    assert len(bench.state()["messages"]) == codes.count(201)


def test_redcaps_limit_counts_no_requests_to_twilio(bench: Bench) -> None:
    control(bench.server, "limit", {"per_minute": 1})

    codes = [bench.post(To="+12065550160", From=NUMBER, Body="x").status_code for _ in range(3)]
    control(bench.server, "limit", {"per_minute": 0})

    assert codes == [201, 201, 201]


LOST = {
    "28": TwilioRestException,
    "30": requests.exceptions.ConnectionError,
    "31": requests.exceptions.ConnectionError,
    "34": ValueError,
}


@pytest.mark.parametrize(("digits", "error"), LOST.items())
def test_a_lost_answer_still_made_one_message_that_names_our_row(
    bench: Bench, digits: str, error: type[Exception]
) -> None:
    bench.control("config", {"delays": {"never": 0.1}})

    with pytest.raises(error):
        bench.send(f"+120655501{digits}")
    bench.advance(10)

    assert [one["count"] for one in bench.state()["counts"]] == [1]
    assert [one.path for one in bench.receiver.got] == ["/status?m=7"] * 2


def test_an_answer_may_be_an_object_without_a_sid(bench: Bench) -> None:
    created = bench.send("+12065550135")

    assert created.sid is None
    assert [one["to"] for one in bench.state()["messages"]] == ["+12065550135"]


def test_a_cut_connection_may_have_created_nothing(bench: Bench) -> None:
    with pytest.raises(requests.exceptions.ConnectionError):
        bench.send("+12065550132")
    before = bench.state()["messages"]

    created = bench.send("+12065550132")

    assert (before, created.status) == ([], "queued")


def test_a_slow_answer_comes_after_its_time(bench: Bench) -> None:
    bench.control("config", {"delays": {"slow": 0.5}})
    impatient = new_client(bench.server, timeout=0.2)

    with pytest.raises(requests.exceptions.ReadTimeout):
        impatient.messages.create("+12065550133", from_=NUMBER, body="x")
    created = bench.send("+12065550133")

    assert created.status == "queued"
    assert [one["count"] for one in bench.state()["counts"]] == [1, 1]


FAULTS = [
    ({"status": 503}, 503, 0),
    ({"status": 500, "after": True}, 500, 1),
    ({"status": 418, "headers": {"X-From": "proxy"}, "body": "<html>", "method": "POST"}, 418, 0),
]


@pytest.mark.parametrize(("fault", "status", "created"), FAULTS)
def test_the_next_requests_meet_faults(bench: Bench, fault: dict, status: int, created: int) -> None:
    bench.control("faults", [fault])

    codes = [bench.post(To="+12065550160", From=NUMBER, Body="x").status_code for _ in range(2)]

    assert codes == [status, 201]
    assert len(bench.state()["messages"]) == created + 1


def test_a_share_of_answers_can_be_lost_the_same_way_each_time(bench: Bench) -> None:
    def lost() -> list[bool]:
        bench.control("faults", method="DELETE")
        bench.control("faults", [{"close": True, "after": True, "count": 100, "probability": 0.4, "seed": 3}])
        found = []
        for number in range(12):
            try:
                found.append(bench.post(To="+12065550160", From=NUMBER, Body=str(number)).status_code != 201)
            except requests.exceptions.ConnectionError:
                found.append(True)
        return found

    first, second = lost(), lost()

    assert first == second
    assert 0 < sum(first) < 12
    assert len(bench.state()["messages"]) == 24


def test_redaction_hides_persons_from_every_read(bench: Bench) -> None:
    bench.control("redaction", {"on": True})
    created = bench.send(body="Private")
    read = bench.client.messages(created.sid).fetch()

    assert (read.body, read.to, read.from_) == ("", "+1206555XXXX", NUMBER)
    assert bench.client.messages.list(to="+12065550160") == []
    assert [one.body for one in bench.client.messages.list()] == [""]
    assert bench.state()["messages"][0]["body"] == "Private"


def test_lookups_tell_landlines_from_mobiles(bench: Bench) -> None:
    def kind(phone: str) -> tuple[bool, str]:
        found = bench.client.lookups.v2.phone_numbers(phone).fetch(fields="line_type_intelligence")
        return found.valid, (found.line_type_intelligence or {}).get("type", "")

    kinds = [kind(phone) for phone in ("+12065550160", "+12065550113", "+12065550124", "+12065551")]

    assert kinds == [(True, "mobile"), (True, "landline"), (True, "landline"), (False, "")]


def test_account_numbers_and_services_are_there_for_a_check(bench: Bench) -> None:
    bench.control("config", {"numbers": [{"number": NUMBER, "sms_url": "http://127.0.0.1:1/in"}]})
    account = bench.client.api.v2010.accounts(bench.client.username).fetch()
    numbers = bench.client.incoming_phone_numbers.list(phone_number=NUMBER)
    others = bench.client.incoming_phone_numbers.list(phone_number="+12065550100")
    service = bench.client.messaging.v1.services(bench.service).fetch()

    assert (account.status, others) == ("active", [])
    assert [(one.phone_number, one.sms_url) for one in numbers] == [(NUMBER, "http://127.0.0.1:1/in")]
    assert (service.sid, service.us_app_to_person_registered) == (bench.service, True)
    assert refusal(lambda: bench.client.messaging.v1.services("MG" + "0" * 32).fetch()) == (404, 20404)


def test_media_are_counted_and_never_listed(bench: Bench) -> None:
    created = bench.send(media_url=["http://127.0.0.1/a.png", "http://127.0.0.1/b.png"])

    assert (created.sid[:2], created.num_media) == ("MM", "2")
    assert bench.client.messages(created.sid).media.list() == []


def test_test_credentials_judge_and_send_nothing(bench: Bench) -> None:
    config = bench.control("config", method="GET")
    client = new_client(bench.server, config["test_account_sid"], config["test_auth_token"])

    created = client.messages.create("+12065550160", from_=NUMBER, body="x", status_callback=bench.callback)
    bench.advance(10)

    assert (created.status, created.sid[:2]) == ("queued", "SM")
    assert (bench.state()["messages"], bench.receiver.got) == ([], [])
    assert refusal(lambda: client.messages.create("+12065550160", from_="55500", body="x")) == (400, 21606)
    assert refusal(client.messages(created.sid).fetch) == (403, 20008)
