"""The part `receiver` of the study file: who may tell the receiver something, and how that is known."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from capstan.study.parts import NAME, NetworkText, Part, TokenSource


class Informant(Part):
    """A partner's system that posts to /partner/NAME: it signs with a secret, or comes from an address.

    Of several `secrets` each holds, so that one can be replaced; with `addresses` too, both must be right.
    """

    name: str = Field(pattern=NAME)
    secrets: tuple[TokenSource, ...] = ()
    addresses: tuple[NetworkText, ...] = ()

    def model_post_init(self, _context: Any) -> None:
        """Refuse one by which anybody could tell us anything."""
        if not self.secrets and not self.addresses:
            raise ValueError("give secrets, addresses, or both")


class Receiver(Part):
    """Who may tell the receiver something of this study.

    `addresses` are those of the REDCap server, from where triggers come; none is any. `twilio_tokens` are
    further auth tokens or shared keys by which Twilio signs, beside `messaging.sms.token`.
    """

    addresses: tuple[NetworkText, ...] = ()
    twilio_tokens: tuple[TokenSource, ...] = ()
    partners: tuple[Informant, ...] = ()
