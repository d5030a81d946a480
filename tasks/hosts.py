"""Hosts: where a study's tokens and its participants' data may be sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

from capstan.errors import IdentityError, Refused
from capstan.redcap.address import api_address

# The only address that can be opened, while there is one; for all threads of this process.
_confined_to: list[str] = []


@contextmanager
def confined_to(url: str) -> Iterator[None]:
    """Let nothing within open any other address, whichever study and token it names."""
    _confined_to.append(url)
    try:
        yield
    finally:
        _confined_to.pop()


def is_rehearsal() -> bool:
    """Whether a rehearsal is running, from which nothing may reach the world."""
    return bool(_confined_to)


def check_address(url: str, *, host: str = "") -> None:
    """Refuse an address where a token or participants' data would go astray.

    `host` is the one that the study names beside its address, if any. Raises UsageError for a malformed one.
    """
    address = urlsplit(api_address(url))
    there = address.hostname or ""
    if _confined_to and url != _confined_to[-1]:
        raise Refused("A rehearsal is running, and nothing but its copy can be opened meanwhile.")
    if host and there != host.lower():
        raise IdentityError(
            f"redcap.url leads to {there!r}, but the study names the host {host!r} (redcap.project.host in "
            "study.yaml). Correct the address, or the study."
        )
    if address.scheme == "http" and not is_local(there):
        raise Refused(
            f"http would send the token and participants' data to {there} in the clear; nothing was sent. "
            "Write https:// in redcap.url."
        )


def is_local(host: str) -> bool:
    """Whether a host is this machine, where a sandbox is."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
