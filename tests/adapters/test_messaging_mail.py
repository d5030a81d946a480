"""What one letter came to, for every step at which a mail server can refuse it or be lost."""

from __future__ import annotations

import email
import email.policy
import logging
import pickle
from datetime import UTC, datetime

import pytest
from certificates import server_context
from scripted_mail import DROP, SILENT, closed_port, mail_server

from capstan.delivery import Outcome
from capstan.delivery.codes import Action, rule_for
from capstan.errors import UsageError
from capstan.messaging import Mail, Mailer

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
TO, WORDS = "ann.marigold@example.org", "Marigold, your visit is tomorrow."
MAIL = Mail("row-1", TO, "Your visit", WORDS)
EHLO = "250-test\n250-STARTTLS\n250 AUTH PLAIN LOGIN XOAUTH2"


def mailer(port: int, **options) -> Mailer:
    options = {"security": "none", "sender": "The Trial <trial@study.org>", **options}
    return Mailer("127.0.0.1", port=port, timeout_seconds=0.5, clock=lambda: NOW, **options)


ACCEPTED, THROTTLED, NOT_SENT = Outcome.ACCEPTED, Outcome.THROTTLED, Outcome.NOT_SENT
REJECTED, HALT, UNKNOWN = Outcome.REJECTED, Outcome.HALT, Outcome.UNKNOWN
STEPS = [
    ({}, ACCEPTED, 0, Action.ASK),
    ({"greeting": "421 busy"}, THROTTLED, 421, Action.RETRY),
    ({"greeting": "450 busy"}, THROTTLED, 421, Action.RETRY),
    ({"greeting": "554 go away"}, HALT, 554, Action.ASK),
    ({"greeting": "HTTP/1.1 400 Bad Request"}, HALT, 0, Action.ASK),
    ({"greeting": DROP}, NOT_SENT, 0, Action.ASK),
    ({"greeting": SILENT}, NOT_SENT, 0, Action.ASK),
    ({"EHLO": DROP}, NOT_SENT, 0, Action.ASK),
    ({"EHLO": "550 no", "HELO": "550 no"}, HALT, 550, Action.BAD_ADDRESS),
    ({"MAIL": "550 5.1.8 sender"}, HALT, 550, Action.BAD_ADDRESS),
    ({"MAIL": "530 5.7.0 log in"}, HALT, 530, Action.HALT),
    ({"MAIL": "552 too large"}, REJECTED, 552, Action.ASK),
    ({"MAIL": "451 later"}, THROTTLED, 421, Action.RETRY),
    ({"MAIL": DROP}, NOT_SENT, 0, Action.ASK),
    ({"RCPT": "550 5.1.1 unknown"}, REJECTED, 550, Action.BAD_ADDRESS),
    ({"RCPT": "550 unknown"}, REJECTED, 550, Action.BAD_ADDRESS),
    ({"RCPT": "553 no such name"}, REJECTED, 553, Action.BAD_ADDRESS),
    ({"RCPT": "550 5.4.1 unknown"}, REJECTED, 550, Action.BAD_ADDRESS),
    ({"RCPT": "552 5.2.2 full"}, REJECTED, 552, Action.ASK),
    ({"RCPT": "550 5.2.2 full"}, REJECTED, 552, Action.ASK),
    ({"RCPT": "554 5.7.1 Relay access denied"}, REJECTED, 554, Action.ASK),
    ({"RCPT": "550 relaying denied"}, REJECTED, 554, Action.ASK),
    ({"RCPT": "550 5.7.1 policy"}, REJECTED, 554, Action.ASK),
    ({"RCPT": "550 5.1.7 your address"}, HALT, 550, Action.BAD_ADDRESS),
    ({"RCPT": "530 log in"}, HALT, 530, Action.HALT),
    ({"RCPT": "503 order"}, HALT, 503, Action.BAD_ADDRESS),
    ({"RCPT": "450 4.2.0 greylisted"}, THROTTLED, 450, Action.RETRY),
    ({"RCPT": "452 too many"}, THROTTLED, 452, Action.RETRY),
    ({"RCPT": "251 will forward"}, ACCEPTED, 0, Action.ASK),
    ({"RCPT": DROP}, NOT_SENT, 0, Action.ASK),
    ({"RCPT": SILENT}, NOT_SENT, 0, Action.ASK),
    ({"DATA": "554 no"}, REJECTED, 554, Action.ASK),
    ({"DATA": "451 no"}, THROTTLED, 451, Action.RETRY),
    ({"DATA": DROP}, NOT_SENT, 0, Action.ASK),
    ({"end": "550 5.7.1 spam"}, REJECTED, 554, Action.ASK),
    ({"end": "554 no"}, REJECTED, 554, Action.ASK),
    ({"end": "552 too large"}, REJECTED, 552, Action.ASK),
    ({"end": "451 later"}, THROTTLED, 451, Action.RETRY),
    ({"end": "421 closing"}, THROTTLED, 421, Action.RETRY),
    ({"end": DROP}, UNKNOWN, 0, Action.ASK),
    ({"end": SILENT}, UNKNOWN, 0, Action.ASK),
    ({"end": "what?"}, UNKNOWN, 0, Action.ASK),
    ({"end": "250 " + "x" * 10_000}, UNKNOWN, 0, Action.ASK),
]


@pytest.mark.parametrize(("steps", "outcome", "code", "action"), STEPS)
def test_each_step_comes_to_its_outcome(
    steps: dict[str, str], outcome: Outcome, code: int, action: Action
) -> None:
    with mail_server(**steps) as server:
        answer = mailer(server.port).send(MAIL)

    assert (answer.outcome, answer.code) == (outcome, code)
    assert rule_for(answer.code, status="").action is action
    assert sum(line.startswith("RCPT") for line in server.commands) <= 1
    assert "marigold" not in repr(answer).lower()


def test_what_is_taken_later_waits_a_quarter_of_an_hour() -> None:
    with mail_server(RCPT="451 greylisted") as server:
        answer = mailer(server.port).send(MAIL)

    assert answer.retry_after_seconds == 900


def test_what_concerns_the_whole_server_slows_the_channel_and_one_mailbox_does_not() -> None:
    assert rule_for(421, status="").slows_channel
    assert not rule_for(450, status="").slows_channel


def test_an_accepted_letter_is_named_after_its_row() -> None:
    with mail_server() as server:
        answers = [mailer(server.port, domain="letters.study.org").send(MAIL) for _ in range(2)]

    assert [answer.sid for answer in answers] == ["row-1@letters.study.org"] * 2
    assert server.letters[0].count(b"Message-ID: <row-1@letters.study.org>") == 1


def test_a_refused_connection_is_not_sent() -> None:
    assert mailer(closed_port()).send(MAIL).outcome is NOT_SENT


def test_a_server_name_that_nobody_knows_is_not_sent() -> None:
    unknown = Mailer("nowhere.invalid", sender="trial@study.org", security="none")

    assert unknown.send(MAIL).outcome is NOT_SENT


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """The TLS of a server whose certificate this process trusts."""
    context = server_context(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    return context


def test_a_letter_goes_through_starttls_with_login(trusted) -> None:
    with mail_server(tls=trusted, EHLO=EHLO) as server:
        answer = mailer(server.port, security="starttls", user="trial", password="secret").send(MAIL)

    assert answer.outcome is ACCEPTED
    assert server.auth == ["\0trial\0secret"]
    assert [line.split()[0] for line in server.commands] == [
        "EHLO",
        "STARTTLS",
        "EHLO",
        "AUTH",
        "MAIL",
        "RCPT",
        "DATA",
        "QUIT",
    ]


def test_a_letter_goes_through_tls_with_a_token(trusted) -> None:
    with mail_server(tls=trusted, is_wrapped=True, EHLO=EHLO) as server:
        answer = mailer(server.port, security="tls", user="trial@study.org", oauth_token="ya29.x").send(MAIL)

    assert answer.outcome is ACCEPTED
    assert server.auth == ["user=trial@study.org\x01auth=Bearer ya29.x\x01\x01"]


LOGINS = [
    ("535 5.7.8 wrong", HALT, 535),
    ("534 stronger", HALT, 534),
    ("454 4.7.0 later", THROTTLED, 421),
]


@pytest.mark.parametrize(("reply", "outcome", "code"), LOGINS)
def test_a_refused_login_is_ours_to_settle(trusted, reply: str, outcome: Outcome, code: int) -> None:
    with mail_server(tls=trusted, EHLO=EHLO, AUTH=reply) as server:
        answer = mailer(server.port, security="starttls", user="trial", password="secret").send(MAIL)

    assert (answer.outcome, answer.code) == (outcome, code)


def test_a_token_that_is_refused_with_a_reason_ends_in_halt(trusted) -> None:
    with mail_server(tls=trusted, EHLO=EHLO, AUTH="334 eyJzdGF0dXMiOiI0MDEifQ==|535 5.7.8 expired") as server:
        answer = mailer(server.port, security="starttls", user="trial", oauth_token="old").send(MAIL)

    assert (answer.outcome, answer.code) == (HALT, 535)
    assert server.auth[1] == ""


def test_a_server_without_our_login_is_ours_to_settle(trusted) -> None:
    with mail_server(tls=trusted, EHLO="250-test\n250 STARTTLS") as server:
        answer = mailer(server.port, security="starttls", user="trial", password="secret").send(MAIL)

    assert answer.outcome is HALT


def test_a_server_without_starttls_is_refused_and_gets_nothing() -> None:
    with mail_server() as server:
        answer = mailer(server.port, security="starttls", user="trial", password="secret").send(MAIL)

    assert answer.outcome is HALT
    assert [line.split()[0] for line in server.commands] == ["EHLO"]


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_certificate_that_does_not_hold_is_refused(tmp_path, is_wrapped: bool) -> None:
    tls = server_context(tmp_path)
    with mail_server(tls=tls, is_wrapped=is_wrapped, EHLO=EHLO) as server:
        answer = mailer(server.port, security="tls" if is_wrapped else "starttls").send(MAIL)

    assert (answer.outcome, answer.detail) == (HALT, "SSLCertVerificationError")
    assert server.letters == []


def test_a_certificate_of_another_server_is_refused(tmp_path, monkeypatch) -> None:
    tls = server_context(tmp_path, host="127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with mail_server(tls=tls, EHLO=EHLO) as server:
        answer = mailer(server.port, security="starttls").send(MAIL)

    assert answer.outcome is HALT


def test_tls_at_a_port_without_it_is_ours_to_settle() -> None:
    with mail_server() as server:
        answer = mailer(server.port, security="tls").send(MAIL)

    assert answer.outcome is HALT


def test_a_check_of_the_server_sends_nothing(trusted) -> None:
    with mail_server(tls=trusted, EHLO=EHLO) as server:
        answer = mailer(server.port, security="starttls", user="trial", password="secret").check()

    assert answer.outcome is ACCEPTED
    assert server.commands[-1] == "QUIT"
    assert not [line for line in server.commands if line.startswith("MAIL")]


def received(mail: Mail, **options) -> email.message.EmailMessage:
    with mail_server() as server:
        mailer(server.port, **options).send(mail)
    # A dot at a line's start is doubled on the wire.
    raw = server.letters[0].replace(b"\r\n..", b"\r\n.")
    return email.message_from_bytes(raw, policy=email.policy.default)


def test_a_letter_has_the_headers_that_a_responsible_sender_writes() -> None:
    letter = received(
        Mail("row-1", TO, "Zoë – visit", WORDS, "<p>Hi</p>", "https://study.org/u/1"),
        reply_to="desk@study.org",
    )

    assert {name: letter[name] for name in letter} | {"Content-Type": ""} == {
        "From": "The Trial <trial@study.org>",
        "To": TO,
        "Subject": "Zoë – visit",
        "Date": "Sun, 01 Mar 2026 12:30:00 +0000",
        "Message-ID": "<row-1@study.org>",
        "Auto-Submitted": "auto-generated",
        "Reply-To": "desk@study.org",
        "List-Unsubscribe": "<https://study.org/u/1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "MIME-Version": "1.0",
        "Content-Type": "",
    }
    assert letter.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]


def test_a_long_address_for_leaving_stays_one_word_that_mail_programs_read() -> None:
    address = f"https://study.org/leave?who={'k' * 800}"
    with mail_server() as server:
        mailer(server.port).send(Mail("row-1", TO, "Hi", WORDS, unsubscribe=address))

    assert f"\r\nList-Unsubscribe: <{address}>\r\n".encode() in server.letters[0]


def test_only_an_https_address_promises_one_click() -> None:
    letter = received(Mail("row-1", TO, "Hi", WORDS, unsubscribe="mailto:stop@study.org"))

    assert letter["List-Unsubscribe"] == "<mailto:stop@study.org>"
    assert letter["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize(
    "text", [".\r\n", "..\n.hidden\n.", "a" * 5000, "né\n" * 3, "tabs\tand = signs =20", "\n\nends"]
)
def test_a_text_arrives_as_it_was_written(text: str) -> None:
    arrived = received(Mail("row-1", TO, "Hi", text)).get_content()

    assert arrived.splitlines() == text.splitlines()


INJECTIONS = [
    ("subject", "Hi\r\nBcc: all@study.org"),
    ("subject", "Hi\nBcc: all@study.org"),
    ("subject", "Hi\u2028Bcc: all@study.org"),
    ("subject", "Hi\x00"),
    ("unsubscribe", "https://x.org/>\r\nBcc: a@b.org"),
    ("unsubscribe", "https://x.org/> <https://y.org"),
    ("unsubscribe", "https://x.org/" + "k" * 900),
    ("id", "row>\r\nBcc: a@b.org"),
    ("text", "\ud800"),
]


@pytest.mark.parametrize(("part", "text"), INJECTIONS)
def test_wording_that_would_add_a_header_is_rejected(part: str, text: str) -> None:
    parts = {"id": "row-1", "to": TO, "subject": "Hi", "text": WORDS, part: text}
    with mail_server() as server:
        answer = mailer(server.port).send(Mail(**parts))

    assert (answer.outcome, rule_for(answer.code, status="").action) == (REJECTED, Action.ASK)
    assert server.commands == []


@pytest.mark.parametrize(
    "to", ["", "ann", "ann@b", "a@b.org, c@d.org", "Ann <a@b.org>", "a@b.org\r\nBcc: c@d.org", "a@b.org>"]
)
def test_anything_but_one_address_is_a_bad_address(to: str) -> None:
    with mail_server() as server:
        answer = mailer(server.port).send(Mail("row-1", to, "Hi", WORDS))

    assert (answer.outcome, rule_for(answer.code, status="").action) == (REJECTED, Action.BAD_ADDRESS)
    assert server.commands == []


WRONG = [
    {"sender": "nobody"},
    {"sender": "Trial\r\nBcc: a@b.org <a@b.org>"},
    {"reply_to": "nobody"},
    {"domain": "no domain"},
    {"user": "trial", "password": "secret"},
    {"security": "tls", "password": "secret"},
    {"security": "tls", "user": "trial", "oauth_token": "tokén"},
]


@pytest.mark.parametrize("options", WRONG)
def test_settings_that_cannot_work_are_refused_without_repeating_them(options: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        mailer(25, **options)

    assert not [value for value in ("secret", "tokén", "nobody") if value in str(caught.value)]


def test_nothing_that_identifies_is_shown_or_kept(caplog) -> None:
    caplog.set_level(logging.DEBUG)
    with mail_server(RCPT=f"550 <{TO}> unknown") as server:
        desk = mailer(server.port)
        desk.send(MAIL)

    with pytest.raises(TypeError, match="not written to files"):
        pickle.dumps(desk)
    assert "marigold" not in f"{caplog.text}{desk!r}{MAIL!r}".lower()
