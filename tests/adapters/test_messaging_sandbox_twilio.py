"""Texts of ours in the sandbox's Twilio, whose numbers choose what befalls them, to the action that follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sandbox_clients import control
from trigger_receiver import receiving

from capstan.delivery import Outcome
from capstan.delivery.codes import Action, rule_for
from capstan.errors import MessagingError
from capstan.messaging import Text, Twilio
from sandbox.server import Running

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NUMBER, SHORT, TOLL_FREE = "+15005550006", "55500", "+18885550100"
DAY = 86_400


@pytest.fixture(autouse=True)
def _at_noon(server: Running) -> Iterator[None]:
    control(server, "reset")
    control(server, "clock", {"now": NOON.isoformat(), "speed": 0})
    yield
    control(server, "clock", {})


def twilio(server: Running, *, sender: str = NUMBER, service: str = "", token: str = "") -> Twilio:
    addresses = server.addresses()
    return Twilio(
        str(addresses["twilio_account_sid"]),
        token or str(addresses["twilio_auth_token"]),
        sender=sender,
        service=service,
        base_url=str(addresses["twilio_url"]),
        timeout_seconds=(2.0, 0.5),
    )


def service_of(server: Running) -> str:
    return str(control(server, "config", method="GET")["services"][0]["sid"])


def phone(fate: int) -> str:
    return f"+1206555{100 + fate:04d}"


def created(server: Running, number: str) -> list[str]:
    """The texts that the sandbox created for a number."""
    found = control(server, "state", method="GET")["messages"]
    return [one["body"] for one in found if one["to"] == number]


AT_ONCE = [
    (0, Outcome.ACCEPTED, Action.NONE, 1),
    (20, Outcome.REJECTED, Action.BAD_ADDRESS, 0),
    (21, Outcome.REJECTED, Action.STOP, 0),
    (22, Outcome.REJECTED, Action.BAD_ADDRESS, 0),
    (23, Outcome.REJECTED, Action.ASK, 0),
    (24, Outcome.REJECTED, Action.BAD_ADDRESS, 0),
    (25, Outcome.HALT, Action.HALT, 0),
    (26, Outcome.THROTTLED, Action.LATER, 0),
    (27, Outcome.THROTTLED, Action.RETRY, 0),
    (28, Outcome.UNKNOWN, Action.NONE, 1),
    (29, Outcome.UNKNOWN, Action.NONE, 0),
    (30, Outcome.UNKNOWN, Action.NONE, 1),
    (31, Outcome.UNKNOWN, Action.NONE, 1),
    (32, Outcome.UNKNOWN, Action.NONE, 0),
    (33, Outcome.UNKNOWN, Action.NONE, 1),
    (34, Outcome.UNKNOWN, Action.NONE, 1),
    (35, Outcome.UNKNOWN, Action.NONE, 1),
]


@pytest.mark.parametrize(("fate", "outcome", "action", "copies"), AT_ONCE)
def test_each_number_comes_to_its_outcome_and_its_action(
    server, fate: int, outcome: Outcome, action: Action, copies: int
) -> None:
    answer = twilio(server).send(Text("row", phone(fate), "Hello"))

    assert answer.outcome is outcome
    assert rule_for(answer.code, status="").action is action or not answer.code
    assert created(server, phone(fate)) == ["Hello"] * copies


LATER = [
    (0, "delivered", Action.NONE),
    (2, "sent", Action.NONE),
    (9, "delivered", Action.NONE),
    (10, "undelivered", Action.LATER),
    (11, "undelivered", Action.STOP),
    (12, "undelivered", Action.BAD_ADDRESS),
    (13, "undelivered", Action.BAD_ADDRESS),
    (14, "undelivered", Action.FIX),
    (15, "undelivered", Action.LATER),
    (16, "failed", Action.HALT),
    (17, "failed", Action.LATER),
    (18, "failed", Action.EXPIRED),
    (19, "failed", Action.LATER),
]


@pytest.mark.parametrize(("fate", "status", "action"), LATER)
def test_each_number_leads_to_its_status_and_its_action(
    server, fate: int, status: str, action: Action
) -> None:
    client = twilio(server)
    sid = client.send(Text("row", phone(fate), "Hello")).sid
    control(server, "advance", {"seconds": DAY})
    found = client.fetch(sid)

    assert found is not None
    assert found.status == status
    assert rule_for(found.code, status=found.status).action is action


@pytest.mark.parametrize(("fate", "action"), [(21, Action.STOP), (24, Action.BAD_ADDRESS)])
def test_a_service_refuses_a_person_later_and_it_leads_to_the_same_action(
    server, fate: int, action: Action
) -> None:
    client = twilio(server, sender="", service=service_of(server))
    answer = client.send(Text("row", phone(fate), "Hello"))
    control(server, "advance", {"seconds": DAY})
    found = client.fetch(answer.sid)

    assert (answer.outcome, answer.status, answer.segments) == (Outcome.ACCEPTED, "accepted", 0)
    assert found is not None
    assert rule_for(found.code, status=found.status).action is action


@pytest.mark.parametrize("fate", [28, 30, 31, 33, 34, 35])
def test_a_lost_answer_is_found_by_the_row_in_the_callback_and_by_listing(server, fate: int) -> None:
    client = twilio(server)
    with receiving(204) as receiver:
        client.send(Text("row-77", phone(fate), "Hello", f"{receiver.url}?m=row-77"))
        control(server, "advance", {"seconds": DAY})
        told = control(server, "state", method="GET")["callbacks"]
        status = receiver.next()
    listed = client.listed(phone(fate), since=NOON - timedelta(seconds=60))

    assert {parse_qs(urlsplit(one["url"]).query)["m"][0] for one in told} == {"row-77"}
    assert [(one.sid, one.text) for one in listed] == [(status["MessageSid"], "Hello")]


def test_listing_leaves_out_what_is_older_and_what_people_wrote(server) -> None:
    client = twilio(server)
    client.send(Text("row-1", phone(0), "Old"))
    control(server, "advance", {"seconds": DAY})
    control(server, "inbound", {"from": phone(0), "to": NUMBER, "body": "Thanks"})
    client.send(Text("row-2", phone(0), "New"))
    found = client.listed(phone(0), since=NOON + timedelta(seconds=DAY - 60))

    assert [one.text for one in found] == ["New"]


def test_a_stop_refuses_the_next_text(server) -> None:
    client = twilio(server, sender=TOLL_FREE)
    first = client.send(Text("row-1", phone(60), "Hello"))
    control(server, "inbound", {"from": phone(60), "to": TOLL_FREE, "body": "STOP"})
    second = client.send(Text("row-2", phone(60), "Hello again"))

    assert first.outcome is Outcome.ACCEPTED
    assert (second.code, rule_for(second.code, status="").action) == (21610, Action.STOP)


def test_a_redacted_message_keeps_its_status_and_no_text(server) -> None:
    client = twilio(server)
    sid = client.send(Text("row", phone(0), "Hello")).sid
    control(server, "advance", {"seconds": DAY})
    client.forget(sid, whole=False)
    found = client.fetch(sid)

    assert found is not None
    assert (found.text, found.status) == ("", "delivered")


def test_too_many_calls_are_throttled_and_create_nothing(server) -> None:
    control(server, "limits", {"per_second": 1})
    try:
        answers = [twilio(server).send(Text("row", phone(61), "Hello")) for _ in range(3)]
    finally:
        control(server, "limits", {"per_second": 0})

    assert {(one.outcome, one.code) for one in answers[1:]} == {(Outcome.THROTTLED, 20429)}
    assert len(created(server, phone(61))) == 1


def test_the_account_tells_its_status_and_its_clock(server) -> None:
    account = twilio(server).account_status()

    assert account.status == "active"
    assert account.answered_at is not None


@pytest.mark.parametrize(("sender", "owned"), [(NUMBER, True), (SHORT, True), ("+12065550199", False)])
def test_a_sender_is_the_accounts_own_or_not(server, sender: str, owned: bool) -> None:
    assert twilio(server, sender=sender).owns_sender() is owned


def test_a_service_is_the_accounts_own_or_not(server) -> None:
    assert twilio(server, service=service_of(server)).owns_sender()
    assert not twilio(server, service=f"MG{'1' * 32}").owns_sender()


def test_a_landline_is_known_before_it_is_texted(server) -> None:
    assert [twilio(server).number_type(phone(fate)) for fate in (13, 0)] == ["landline", "mobile"]


def test_a_wrong_token_stops_the_channel_and_says_where_to_look(server) -> None:
    client = twilio(server, token="f" * 32)
    answer = client.send(Text("row", phone(0), "Hello"))

    assert (answer.outcome, answer.code) == (Outcome.HALT, 20003)
    with pytest.raises(MessagingError, match="capstan doctor"):
        client.account_status()


def test_a_forgotten_message_is_gone_once_it_has_ended_and_forgetting_again_does_no_harm(server) -> None:
    client = twilio(server)
    sid = client.send(Text("row", phone(0), "Hello")).sid
    early = client.forget(sid, whole=True)
    control(server, "advance", {"seconds": DAY})

    assert (early, client.forget(sid, whole=True), client.forget(sid, whole=True)) == (False, True, True)
    assert client.fetch(sid) is None


def test_an_api_key_sends_for_its_account_and_a_withdrawn_one_halts(server) -> None:
    addresses = server.addresses()
    known = {"sender": NUMBER, "base_url": str(addresses["twilio_url"])}
    (name, secret), *_ = control(server, "config", method="GET")["api_keys"].items()
    account = str(addresses["twilio_account_sid"])
    answers = [
        Twilio(account, word, api_key=name, **known).send(Text("row", phone(60), "Hello"))
        for word in (secret, "withdrawn")
    ]

    assert [answer.outcome for answer in answers] == [Outcome.ACCEPTED, Outcome.HALT]
