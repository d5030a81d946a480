"""Tokens of the mail login: fetched once, kept till they end, never shown; a refused one is ours to settle."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from certificates import server_context
from scripted_mail import mail_server
from scripted_server import Reply, Script, ScriptedServer
from store_cases import NOW

from capstan.delivery import Outcome
from capstan.errors import MessagingError, MessagingUnavailable, UsageError
from capstan.messaging import Mail, Mailer, TokenDesk

MAIL = Mail("row-1", "family@example.org", "Your visit", "Come.")
EHLO = "250-test\n250-STARTTLS\n250 AUTH XOAUTH2"


class Time:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self):
        return self.at


@pytest.fixture
def endpoints() -> Iterator[list[ScriptedServer]]:
    made: list[ScriptedServer] = []
    yield made
    for one in made:
        one.stop()


def serve(endpoints: list[ScriptedServer], script: Script) -> ScriptedServer:
    endpoints.append(ScriptedServer(script))
    endpoints[-1].start()
    return endpoints[-1]


def token(word: str, **more: object) -> Reply:
    return Reply(json.dumps({"access_token": word, "token_type": "Bearer", **more}))


def desk(endpoint: ScriptedServer, clock: Time | None = None, **options: str) -> TokenDesk:
    known = {"client": "app", "refresh_token": "r3fresh", "scope": "SMTP.Send", **options}
    return TokenDesk(endpoint.url, **known, clock=clock or Time())


def test_a_token_is_fetched_with_the_refresh_token_and_kept_until_it_ends(endpoints) -> None:
    endpoint, clock = serve(endpoints, [token("one", expires_in=3600), token("two", expires_in=3600)]), Time()
    tokens = desk(endpoint, clock, secret="s3cret")
    first = [tokens.token(), tokens.token()]
    clock.at += timedelta(minutes=58)
    late = tokens.token()
    clock.at += timedelta(minutes=2)

    assert (first, late, tokens.token()) == (["one", "one"], "one", "two")
    assert endpoint.forms[0] == {
        "grant_type": "refresh_token",
        "refresh_token": "r3fresh",
        "client_id": "app",
        "client_secret": "s3cret",
        "scope": "SMTP.Send",
    }


def test_without_a_refresh_token_the_client_asks_in_its_own_name(endpoints) -> None:
    endpoint = serve(endpoints, [token("one")])

    desk(endpoint, refresh_token="", secret="s3cret").token()

    assert endpoint.forms[0]["grant_type"] == "client_credentials"
    assert "refresh_token" not in endpoint.forms[0]


@pytest.mark.parametrize("length", ["1e999", "9" * 400])
def test_a_token_that_never_ends_is_fetched_anew_each_day(length: str, endpoints) -> None:
    endless = Reply(f'{{"access_token": "one", "expires_in": {length}}}')
    tokens = desk(serve(endpoints, [endless, token("two")]), clock := Time())
    first = tokens.token()
    clock.at += timedelta(days=1)

    assert (first, tokens.token()) == ("one", "two")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply('{"error": "invalid_grant", "error_description": "s3cret"}', status=400), MessagingError),
        (Reply("", status=401), MessagingError),
        (Reply("", status=429), MessagingUnavailable),
        (Reply("", status=503), MessagingUnavailable),
        (Reply("", status=302, headers={"Location": "https://elsewhere.example"}), MessagingUnavailable),
        (Reply("<html>"), MessagingUnavailable),
        (Reply("[]"), MessagingUnavailable),
        (Reply('{"access_token": "tokén"}'), MessagingUnavailable),
        (Reply('{"expires_in": 3600}'), MessagingUnavailable),
        (Reply(drops=True), MessagingUnavailable),
    ],
)
def test_what_is_no_token_is_told_without_its_text(
    reply: Reply, error: type[MessagingError], endpoints, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = desk(serve(endpoints, [reply]), secret="s3cret")

    with pytest.raises(MessagingError) as caught:
        tokens.token()

    assert caught.type is error
    assert not [
        word for word in ("s3cret", "r3fresh", "tokén") if word in f"{caught.value}{caplog.text}{tokens!r}"
    ]


def test_an_address_without_encryption_is_refused() -> None:
    with pytest.raises(UsageError, match="https"):
        TokenDesk("http://login.example.org/token", client="app", secret="s3cret")


def send(port: int, tokens: TokenDesk) -> Outcome:
    known = {"security": "starttls", "sender": "Trial <trial@study.org>", "user": "trial@study.org"}
    return Mailer("127.0.0.1", port=port, desk=tokens, **known).send(MAIL).outcome  # type: ignore[arg-type]


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    context = server_context(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    return context


def test_a_letter_goes_out_with_a_fetched_token(trusted, endpoints) -> None:
    tokens = desk(serve(endpoints, [token("ya29.one")]))
    with mail_server(tls=trusted, EHLO=EHLO) as server:
        outcomes = [send(server.port, tokens), send(server.port, tokens)]

    assert outcomes == [Outcome.ACCEPTED] * 2
    assert server.auth == ["user=trial@study.org\x01auth=Bearer ya29.one\x01\x01"] * 2
    assert len(endpoints[0].forms) == 1


def test_a_token_that_the_mail_server_refuses_is_not_used_again(trusted, endpoints) -> None:
    tokens = desk(serve(endpoints, [token("old"), token("new")]))
    with mail_server(tls=trusted, EHLO=EHLO, AUTH="535 5.7.8 expired") as server:
        refused = send(server.port, tokens)

    assert refused is Outcome.HALT
    assert tokens.token() == "new"


@pytest.mark.parametrize(("status", "outcome"), [(400, Outcome.HALT), (503, Outcome.NOT_SENT)])
def test_without_a_token_nothing_is_sent(status: int, outcome: Outcome, trusted, endpoints) -> None:
    tokens = desk(serve(endpoints, [Reply("", status=status)]))
    with mail_server(tls=trusted, EHLO=EHLO) as server:
        assert send(server.port, tokens) is outcome

    assert server.commands == []
