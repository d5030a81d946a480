"""The sandbox's mail server, over the wire with Python's own client, and its pages."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from sandbox.server import Running

SENDER = "study@example.org"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running(smtp_port=0) as one:
        yield one


@pytest.fixture
def box(running: Running) -> Running:
    requests.delete(f"{running.control_url}mails", timeout=10)
    return running


def _send(running: Running, recipient: str, *, password: str = "") -> object:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, recipient, "Your visit"
    message["Message-ID"] = "<row@example.org>"
    message.set_content("See you on Monday.")
    message.add_alternative("<p>See you on <b>Monday</b>.</p>", subtype="html")
    with smtplib.SMTP(*_address(running), timeout=10) as client:
        if password:
            client.login("study", password)
        return client.send_message(message)


def _address(running: Running) -> tuple[str, int]:
    host, _, port = (running.smtp or "").rpartition(":")
    return host, int(port)


def _mails(running: Running) -> list[dict[str, str]]:
    return requests.get(f"{running.control_url}mails", timeout=10).json()["mails"]


def test_a_mail_is_kept_with_its_recipient_its_id_its_text_and_its_html(box: Running) -> None:
    _send(box, "anna@example.org", password="any")

    [mail] = _mails(box)
    assert (mail["from"], mail["to"], mail["subject"]) == (SENDER, "anna@example.org", "Your visit")
    assert mail["message_id"] == "<row@example.org>"
    assert mail["text"].strip() == "See you on Monday."
    assert "<b>Monday</b>" in mail["html"]


@pytest.mark.parametrize(("recipient", "code"), [("code550@b.org", 550), ("anna+code452@b.org", 452)])
def test_a_recipient_can_be_refused_with_any_code(box: Running, recipient: str, code: int) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        _send(box, recipient)

    assert refused.value.recipients[recipient][0] == code
    assert _mails(box) == []


def test_a_greylisted_recipient_is_taken_after_as_many_tries_as_it_says(box: Running) -> None:
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            _send(box, "grey2@b.org")
    _send(box, "grey2@b.org")

    assert [mail["to"] for mail in _mails(box)] == ["grey2@b.org"]


def test_a_mail_can_be_refused_after_its_data(box: Running) -> None:
    with pytest.raises(smtplib.SMTPDataError) as refused:
        _send(box, "afterdata@b.org")

    assert refused.value.smtp_code == 554
    assert _mails(box) == []


@pytest.mark.parametrize(("recipient", "kept"), [("lostack@b.org", 1), ("drop@b.org", 0)])
def test_a_lost_answer_tells_nothing_of_whether_the_mail_was_kept(
    box: Running, recipient: str, kept: int
) -> None:
    with pytest.raises(smtplib.SMTPServerDisconnected):
        _send(box, recipient)

    assert len(_mails(box)) == kept


def test_a_bounce_comes_back_to_the_sender_when_the_clock_has_moved_on(box: Running) -> None:
    clock = f"{box.control_url}clock"
    requests.post(clock, json={"now": "2026-03-01T09:00:00"}, timeout=10)
    _send(box, "bounce@b.org")
    at_once = [mail["to"] for mail in _mails(box)]
    requests.post(clock, json={"now": "2026-03-01T09:00:02"}, timeout=10)
    later = [mail["to"] for mail in _mails(box)]
    requests.post(clock, json={"now": None}, timeout=10)

    assert at_once == ["bounce@b.org"]
    assert later == [SENDER, "bounce@b.org"]


def test_a_wrong_password_is_refused_at_once(box: Running) -> None:
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        _send(box, "anna@example.org", password="wrong")

    assert refused.value.smtp_code == 535


def test_html_of_a_mail_is_shown_without_running_and_as_text_elsewhere(box: Running) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, "a@b.org", "<script>x</script>"
    message.add_alternative('<p onclick="x()">hello "you"</p><script>x</script>', subtype="html")
    with smtplib.SMTP(*_address(box), timeout=10) as client:
        client.send_message(message)
    number = _mails(box)[0]["id"]

    listed = requests.get(f"{box.control_url}mail", timeout=10)
    shown = requests.get(f"{box.control_url}mail/letter", params={"id": number}, timeout=10)

    assert (listed.status_code, shown.status_code) == (200, 200)
    assert "<script>" not in listed.text + shown.text
    assert 'sandbox srcdoc="' in shown.text


def test_a_mail_that_is_not_there_is_told(box: Running) -> None:
    answer = requests.get(f"{box.control_url}mail/letter", params={"id": 999999}, timeout=10)

    assert answer.status_code == 404


def test_mail_outlives_a_restart_with_the_state_folder(tmp_path: Path) -> None:
    with Running(smtp_port=0, state_dir=tmp_path) as first:
        _send(first, "anna@example.org")
    with Running(smtp_port=0, state_dir=tmp_path) as second:
        kept = _mails(second)

    assert [mail["to"] for mail in kept] == ["anna@example.org"]
    assert datetime.fromisoformat(kept[0]["at"])


def test_without_a_mail_port_there_is_no_mail_server() -> None:
    with Running() as running:
        assert running.addresses()["smtp"] is None


def test_a_client_that_says_nothing_does_not_keep_the_sandbox_from_ending() -> None:
    with Running(smtp_port=0) as running:
        idle = smtplib.SMTP(*_address(running), timeout=10)

    with pytest.raises(smtplib.SMTPServerDisconnected):
        idle.noop()
    idle.close()
