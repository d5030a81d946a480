"""Addresses: from where a request really comes, and whether that is an expected place."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

# Who asked without an address, as through a socket of this machine; it is in no network.
NOWHERE = ip_address("0.0.0.0")


def sender_of(peer: str, forwarded: Sequence[str], *, proxies: Networks) -> Address:
    """The address that a request comes from; `forwarded` are the headers X-Forwarded-For, in their order.

    They are believed only as far as our own proxies wrote them: from the right, up to the first address that
    is none of ours. What is no address ends the search, for a proxy writes none such.
    """
    sender = _address(peer) or NOWHERE
    steps = [step.strip() for header in forwarded for step in header.split(",")]
    while steps and is_within(sender, proxies):
        step = _address(steps.pop())
        if step is None:
            break
        sender = step
    return sender


def is_within(address: Address, networks: Networks) -> bool:
    """Whether an address is in one of the networks."""
    return any(address in network for network in networks)


def caller_of(sender: Address) -> Address | IPv4Network | IPv6Network:
    """Who counts as one: whoever has one address of version 6 has its whole network of 64 bits."""
    return ip_network((sender, 64), strict=False) if isinstance(sender, IPv6Address) else sender


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    # The same sender has one address, whether a socket of both families took its call or not.
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
