"""Letters of ours in the sandbox's mail server, whose addresses choose what befalls them."""

from __future__ import annotations

import email
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from capstan.delivery import Outcome
from capstan.delivery.codes import Action, rule_for
from capstan.messaging import Mail, Mailer
from sandbox.server import Running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    with Running(smtp_port=0) as running:
        yield running


def mailer(sandbox: Running, **options) -> Mailer:
    host, _, port = str(sandbox.smtp).partition(":")
    options = {"security": "none", "timeout_seconds": 5.0, **options}
    return Mailer(host, port=int(port), sender="The Trial <trial@study.org>", **options)


def kept(sandbox: Running, address: str) -> list[str]:
    """The Message-IDs that the sandbox keeps for an address."""
    with sandbox.state.lock:
        rows = sandbox.state.store.mails.rows("9999")
    letters = [email.message_from_bytes(row.raw) for row in rows if row.recipient == address]
    return [letter["Message-ID"] for letter in letters]


def test_a_letter_goes_over_an_encrypted_connection_to_a_server_that_is_trusted(
    sandbox: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = requests.get(f"{sandbox.control_url}mail/certificate", timeout=9).text
    (tmp_path / "sandbox.pem").write_text(pem)
    letter = Mail("tls", "tls@example.org", "Your visit", "See you on Monday.")

    refused = mailer(sandbox, security="starttls").send(letter)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "sandbox.pem"))
    sent = mailer(sandbox, security="starttls", user="study", password="any").send(letter)

    assert (refused.outcome, sent.outcome) == (Outcome.HALT, Outcome.ACCEPTED)
    assert len(kept(sandbox, "tls@example.org")) == 1


FATES = [
    ("ann@example.org", Outcome.ACCEPTED, Action.ASK, 1),
    ("ann+code550@example.org", Outcome.REJECTED, Action.BAD_ADDRESS, 0),
    ("code452@example.org", Outcome.THROTTLED, Action.RETRY, 0),
    ("code530@example.org", Outcome.HALT, Action.HALT, 0),
    ("afterdata@example.org", Outcome.REJECTED, Action.ASK, 0),
    ("lostack@example.org", Outcome.UNKNOWN, Action.ASK, 1),
    ("drop@example.org", Outcome.UNKNOWN, Action.ASK, 0),
    ("bounce@example.org", Outcome.ACCEPTED, Action.ASK, 1),
]


@pytest.mark.parametrize(("to", "outcome", "action", "copies"), FATES)
def test_each_address_comes_to_its_outcome(
    sandbox, to: str, outcome: Outcome, action: Action, copies: int
) -> None:
    answer = mailer(sandbox).send(Mail("row-7", to, "Your visit", "It is tomorrow."))

    assert answer.outcome is outcome
    assert rule_for(answer.code, status="").action is action
    assert kept(sandbox, to) == ["<row-7@study.org>"] * copies


def test_a_greylisted_letter_is_taken_the_third_time(sandbox) -> None:
    grey = Mail("row-8", "grey2@example.org", "Your visit", "It is tomorrow.")
    outcomes = [mailer(sandbox).send(grey).outcome for _ in range(3)]

    assert outcomes == [Outcome.THROTTLED, Outcome.THROTTLED, Outcome.ACCEPTED]


def test_a_slow_server_is_waited_for_and_then_not_known(sandbox) -> None:
    answer = mailer(sandbox, timeout_seconds=0.2).send(Mail("row-9", "slow1@example.org", "Hi", "Hi"))

    assert answer.outcome is Outcome.UNKNOWN


def test_a_check_leaves_no_letter(sandbox) -> None:
    before = sandbox.state.store.mails.count("9999")
    answer = mailer(sandbox).check()

    assert answer.outcome is Outcome.ACCEPTED
    assert sandbox.state.store.mails.count("9999") == before
