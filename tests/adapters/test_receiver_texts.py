"""Twilio's callbacks and partners' news over the wire: what is signed is kept once, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from outbox_cases import ROOM, accept, planned, queue, state_of
from receiver_cases import (
    FORMER_TOKEN,
    SECRETS,
    STUDY,
    Receiver,
    now,
    partner_headers,
    serving,
)
from test_messaging_signature import ACCOUNT

from capstan.message import MessageState
from capstan.store import new_incoming
from capstan.store.outbox_tables import DELIVERY_EVENT
from capstan.store.reply_tables import INBOUND_MESSAGE

SID = f"SM{'1' * 32}"
STATUS = {"AccountSid": ACCOUNT, "MessageSid": SID, "MessageStatus": "delivered", "To": "+12065550000"}
TEXT = {
    "AccountSid": ACCOUNT,
    "MessageSid": SID,
    "From": "+12065550000",
    "To": "+12065550100",
    "Body": "Zoë 👍 STOP",
    "Empty": "",
}
NEWS = b'{"session": "DTI01_CMH_H001_01_01", "files": 12, "whole": true, "note": null}'


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with serving(tmp_path) as running:
        yield running


def test_a_status_moves_the_message_that_its_address_names(served: Receiver) -> None:
    queue(served.store, planned())
    claimed = accept(served.store, SID)
    path = f"/twilio/status?m={claimed.id}"
    answers = [served.call_back(path, STATUS | {"MessageStatus": status}) for status in ("sent", "delivered")]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b""), (204, b"")]
    assert state_of(served.store) == MessageState.DELIVERED


def test_a_status_that_is_sent_again_or_late_changes_nothing(served: Receiver) -> None:
    queue(served.store, planned())
    claimed = accept(served.store, SID)
    path = f"/twilio/status?m={claimed.id}"
    for status in ("delivered", "delivered", "sent", "delivered"):
        assert served.call_back(path, STATUS | {"MessageStatus": status}).status_code == 204

    assert served.count(DELIVERY_EVENT) == 2
    assert state_of(served.store) == MessageState.DELIVERED


def test_a_text_is_kept_once_and_answered_with_an_empty_twiml(served: Receiver) -> None:
    answers = [served.call_back("/twilio/inbound", TEXT) for _ in range(2)]
    (kept,) = new_incoming(served.store, ROOM, service="", number=TEXT["To"])

    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].text == '<?xml version="1.0" encoding="UTF-8"?><Response />'
    assert answers[0].headers["Content-Type"].startswith("text/xml")
    assert kept.form == TEXT


def test_a_former_token_holds_while_the_study_lists_it(served: Receiver) -> None:
    assert served.call_back("/twilio/inbound", TEXT, FORMER_TOKEN).status_code == 200


def test_what_twilio_did_not_sign_for_our_account_is_refused_without_a_word(served: Receiver) -> None:
    other = TEXT | {"AccountSid": f"AC{'0' * 8}{'e' * 24}"}
    answers = [
        served.post("/twilio/inbound", TEXT),
        served.post("/twilio/inbound", TEXT, headers={"X-Twilio-Signature": "x"}),
        served.call_back("/twilio/inbound", TEXT, "0" * 32),
        served.call_back("/twilio/inbound", other),
        served.post("/twilio/status", STATUS, headers={"X-Twilio-Signature": "é".encode("latin-1")}),
    ]

    assert {(answer.status_code, answer.content) for answer in answers} == {(403, b"")}
    assert (served.count(DELIVERY_EVENT), served.count(INBOUND_MESSAGE)) == (0, 0)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/twilio/status", STATUS | {"MessageSid": "SM1"}),
        ("/twilio/status", STATUS | {"MessageStatus": ""}),
        ("/twilio/status", STATUS | {"MessageStatus": "x" * 200}),
        (f"/twilio/status?m={'a' * 65}", STATUS),
        ("/twilio/status?m=%00", STATUS),
        ("/twilio/inbound", TEXT | {"MessageSid": ""}),
        ("/twilio/inbound", TEXT | {"To": "x" * 101}),
    ],
)
def test_a_signed_form_that_is_none_of_twilios_is_refused(
    served: Receiver, path: str, form: dict[str, str]
) -> None:
    assert served.call_back(path, form).status_code == 400
    assert (served.count(DELIVERY_EVENT), served.count(INBOUND_MESSAGE)) == (0, 0)


def test_without_a_public_address_no_signature_can_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with serving(tmp_path, public_url=None) as served:
        answer = served.call_back("/twilio/inbound", TEXT)

    assert answer.status_code == 403


def test_a_partner_that_signs_is_kept_once_however_often_it_is_replayed(served: Receiver) -> None:
    headers = partner_headers(NEWS, at=now())
    answers = [served.post("/partner/scanner", NEWS, headers=headers).status_code for _ in range(3)]
    again = partner_headers(NEWS, at=now() - timedelta(seconds=5))
    answers.append(served.post("/partner/scanner", NEWS, headers=again).status_code)

    assert answers == [204] * 4
    told = {"session": "DTI01_CMH_H001_01_01", "files": "12", "whole": "true", "note": ""}
    assert [(kept.source, kept.times_seen) for kept in served.kept()] == [
        ("partner/scanner", 3),
        ("partner/scanner", 1),
    ]
    assert served.kept()[0].form == told


@pytest.mark.parametrize("minutes", [-6, 6])
def test_what_a_partner_signed_long_ago_is_refused(served: Receiver, minutes: int) -> None:
    headers = partner_headers(NEWS, at=now() + timedelta(minutes=minutes))

    assert served.post("/partner/scanner", NEWS, headers=headers).status_code == 404
    assert served.kept() == []


def test_who_cannot_prove_to_be_a_partner_is_refused(served: Receiver) -> None:
    right, wrong = partner_headers(NEWS, at=now()), partner_headers(NEWS, at=now(), secret="x" * 20)
    answers = [
        served.post("/partner/scanner", NEWS, headers=wrong),
        served.post("/partner/scanner", NEWS + b" ", headers=right),
        served.post("/partner/scanner", NEWS, headers=right | {"X-Capstan-Timestamp": "1700000000"}),
        served.post("/partner/scanner", NEWS, headers={"Content-Type": "application/json"}),
        served.post("/partner/stranger", NEWS, headers=right),
        served.post("/partner/careless", NEWS, headers=partner_headers(NEWS, at=now(), secret="short")),
        served.post("/partner/nobody", NEWS, headers=right),
    ]

    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b"")}
    assert served.kept() == []


def test_a_partner_that_cannot_sign_is_known_by_its_address(served: Receiver) -> None:
    answer = served.post("/partner/robot", {"job": "nightly", "state": "done"})

    assert answer.status_code == 204
    assert [(kept.source, kept.form) for kept in served.kept()] == [
        ("partner/robot", {"job": "nightly", "state": "done"})
    ]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "1",
        "{}",
        '{"a": [1]}',
        '{"a": {}}',
        '{"a": 1, "a": 2}',
        "{",
        '{"": "x"}',
        "[" * 9000,
        '{"a": "\\ud800"}',
        '{"a": NaN}',
    ],
)
def test_json_that_is_no_flat_object_is_refused(served: Receiver, body: str) -> None:
    answer = served.post("/partner/robot", body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, served.kept()) == (400, [])


def test_two_studies_that_know_a_partner_both_hear_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "studies/second").mkdir(parents=True)
    (tmp_path / "studies/second/study.yaml").write_text(STUDY.replace("study: demo", "study: second"))
    with serving(tmp_path) as served:
        served.post("/partner/scanner", NEWS, headers=partner_headers(NEWS, at=now()))

        assert [json.dumps(kept.form)[:12] for kept in served.kept()] == ['{"session": '] * 2
