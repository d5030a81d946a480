"""Where a request comes from, who may say so, and how many it may make."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from receiver.addresses import NOWHERE, is_within, sender_of
from receiver.pace import MOST_SENDERS, Pace

PROXIES = [ip_network("127.0.0.1"), ip_network("10.1.0.0/16"), ip_network("::1")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "sender"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["203.0.113.9, 10.1.2.3"], "203.0.113.9"),
        ("127.0.0.1", ["203.0.113.9, nobody, 10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", ["10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("::1", ["2001:db8::7"], "2001:db8::7"),
        ("::ffff:127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("", ["203.0.113.9"], str(NOWHERE)),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(peer: str, forwarded: list[str], sender: str) -> None:
    assert sender_of(peer, forwarded, proxies=PROXIES) == ip_address(sender)


def test_an_address_of_the_other_version_is_in_no_network() -> None:
    assert not is_within(ip_address("2001:db8::7"), PROXIES)


def test_an_allowance_is_used_up_and_fills_again() -> None:
    clock = [0.0]
    pace, sender = Pace(per_second=2, burst=3, clock=lambda: clock[0]), ip_address("192.0.2.1")
    first = [pace.allows(sender) for _ in range(5)]
    clock[0] = 1.0
    second = [pace.allows(sender) for _ in range(3)]
    clock[0] = 60.0
    third = [pace.allows(sender) for _ in range(4)]

    assert first == [True, True, True, False, False]
    assert second == [True, True, False]
    assert third == [True, True, True, False]


def test_senders_have_allowances_of_their_own_but_one_network_of_64_bits_is_one() -> None:
    pace = Pace(per_second=0, burst=1, clock=lambda: 0.0)
    names = ("192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")

    assert [pace.allows(ip_address(name)) for name in names] == [True, True, False, True, False, True]


def test_no_more_senders_are_remembered_than_memory_bears() -> None:
    pace = Pace(per_second=0, burst=1, clock=lambda: 0.0)
    first = ip_address("192.0.2.1")
    pace.allows(first)
    for number in range(MOST_SENDERS):
        pace.allows(ip_address(0x0A000000 + number))

    assert pace.allows(first)
