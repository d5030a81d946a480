"""The part `receiver` of a study file, and the addresses in the settings."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from pydantic import ValidationError

from capstan.errors import UsageError
from capstan.settings import load_settings
from capstan.study.receiver import Receiver


def test_addresses_and_networks_are_read() -> None:
    read = Receiver.model_validate({"addresses": ["192.0.2.7", "10.1.0.0/16", "2001:db8::/32"]})

    assert read.addresses == tuple(map(ip_network, ("192.0.2.7", "10.1.0.0/16", "2001:db8::/32")))


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"addresses": ["redcap.example.org"]}, "must be an address or a network"),
        ({"addresses": ["10.1.2.3/16"]}, "must be an address or a network"),
        ({"partners": [{"name": "scanner"}]}, "give secrets, addresses, or both"),
        ({"partners": [{"name": "a/b", "addresses": ["10.1.2.3"]}]}, "String should match pattern"),
        (
            {"partners": [{"name": "scanner", "secrets": ["hush"]}]},
            "valid dictionary or instance of TokenSource",
        ),
    ],
)
def test_a_sender_that_could_be_anybody_is_refused(part: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Receiver.model_validate(part)


def test_proxies_are_a_list_in_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSTAN_PROXIES", "127.0.0.1, 10.1.0.0/16,")

    assert load_settings().proxies == (ip_network("127.0.0.1"), ip_network("10.1.0.0/16"))


def test_a_proxy_that_is_no_address_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSTAN_PROXIES", "nginx.internal")

    with pytest.raises(UsageError, match="CAPSTAN_PROXIES") as raised:
        load_settings()

    assert "nginx.internal" not in str(raised.value)
