"""The institution's own sign-in, which stands before the receiver and says in a header who asks."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from receiver.addresses import Networks, is_within, sender_of


@dataclass(frozen=True)
class SignedOn:
    """The header in which the institution's proxies, and nobody else, say who asks."""

    header: str = ""
    proxies: Networks = ()

    def person(self, request: Request) -> str:
        """Who the proxy says is asking; "" where it says nothing, or where somebody else does."""
        peer = sender_of(request.client.host if request.client else "", (), proxies=())
        told = request.headers.getlist(self.header) if self.header else []
        # Twice means that the proxy added its own and left the one that came with the request.
        return same_name(told[0]) if len(told) == 1 and is_within(peer, self.proxies) else ""


def same_name(text: str) -> str:
    """An address or user name as it is compared: without case."""
    return text.strip().casefold()
