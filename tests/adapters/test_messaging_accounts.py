"""Live and practice are never mixed, and nothing goes to another server than Twilio or the sandbox."""

from __future__ import annotations

import pytest
from scripted_server import Reply, serving

from capstan.errors import CapstanError, Refused, UsageError
from capstan.messaging import Twilio
from capstan.messaging.wire import OnceHttpClient

LIVE, SANDBOX = f"AC{'ab' * 16}", f"AC{'0' * 8}{'c' * 24}"
TOKEN, SENDER, SERVICE = "0123456789abcdef0123456789abcdef", "+12065550100", f"MG{'0f' * 16}"
URL = "http://127.0.0.1:4400"


@pytest.mark.parametrize("url", [URL, "https://sandbox.example.org/twilio"])
def test_a_live_account_at_a_sandbox_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="live Twilio account"):
        Twilio(LIVE, TOKEN, sender=SENDER, base_url=url)


def test_a_sandbox_account_at_twilio_is_refused() -> None:
    with pytest.raises(Refused, match="sandbox's account"):
        Twilio(SANDBOX, TOKEN, sender=SENDER)


@pytest.mark.parametrize(("account", "url"), [(LIVE, ""), (SANDBOX, URL), (SANDBOX, f"{URL}/")])
def test_what_belongs_together_is_taken(account: str, url: str) -> None:
    assert Twilio(account, TOKEN, sender=SENDER, service=SERVICE, base_url=url)


WRONG = [
    {"account": ""},
    {"account": f"SK{'ab' * 16}"},
    {"account": f"{LIVE}0"},
    {"account": f"{LIVE}\n"},
    {"token": ""},
    {"token": "Marigold secret"},
    {"token": f"{TOKEN}\n"},
    {"token": "geheimé"},
    {"api_key": LIVE},
    {"api_key": "SKMarigold"},
    {"sender": ""},
    {"sender": "", "service": "MG123"},
    {"account": SANDBOX, "base_url": "127.0.0.1:4400"},
    {"account": SANDBOX, "base_url": "ftp://127.0.0.1"},
    {"account": SANDBOX, "base_url": "http://"},
    {"account": SANDBOX, "base_url": "http://user:Marigold@127.0.0.1"},
    {"account": SANDBOX, "base_url": f"{URL}/?Marigold"},
    {"account": SANDBOX, "base_url": "http://127.0.0.1:port"},
    {"account": SANDBOX, "base_url": "http://[::1"},
    {"account": SANDBOX, "base_url": "https://api.twilio.com"},
]


@pytest.mark.parametrize("given", WRONG)
def test_what_cannot_work_is_refused_without_repeating_it(given: dict[str, str]) -> None:
    settings = {"account": LIVE, "token": TOKEN, "sender": SENDER, **given}

    with pytest.raises(CapstanError) as caught:
        Twilio(settings.pop("account"), settings.pop("token"), **settings)

    assert type(caught.value) is UsageError
    assert not [text for text in given.values() if text and text in str(caught.value)]
    assert "Marigold" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/x",
        "http://api.twilio.com/x",
        "https://twilio.com.example.org/",
        "https://atwilio.com/",
    ],
)
def test_the_library_is_let_nowhere_but_to_twilio(url: str) -> None:
    with serving(Reply("{}")) as server, pytest.raises(UsageError, match="nothing was sent"):
        OnceHttpClient(server.url, timeout_seconds=(1.0, 1.0)).request("GET", url)

    assert server.methods == []


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://api.twilio.com/2010-04-01/A.json?To=%2B1", "/2010-04-01/A.json?To=%2B1"),
        ("https://lookups.twilio.com/v2/PhoneNumbers/x", "/lookups/v2/PhoneNumbers/x"),
        ("https://messaging.twilio.com/v1/Services/y", "/messaging/v1/Services/y"),
    ],
)
@pytest.mark.parametrize("base", ["http://h:1", "http://h:1/", "http://h:1/twilio/"])
def test_each_product_has_its_place_in_the_sandbox(base: str, url: str, path: str) -> None:
    client = OnceHttpClient(base, timeout_seconds=(1.0, 1.0))

    assert client._address(url) == f"{base.rstrip('/')}{path}"


def test_twilio_itself_is_called_by_its_own_addresses_and_through_this_networks_proxy() -> None:
    client = OnceHttpClient("", timeout_seconds=(1.0, 1.0))

    assert client._address("https://api.twilio.com/x") == "https://api.twilio.com/x"
    assert client.session.trust_env
    assert not OnceHttpClient(URL, timeout_seconds=(1.0, 1.0)).session.trust_env
