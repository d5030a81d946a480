"""Informants: who may tell us something, and how each is told from everybody else."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from capstan.study import Study
from receiver.addresses import Address, Networks, is_within

# How far a partner's clock may be from ours, and how long what it signed can be sent.
SIGNED_FOR = timedelta(minutes=5)


@dataclass(frozen=True)
class TriggerSource:
    """The REDCap project of one study: it knows one of the secrets, and posts from one of the networks."""

    study: str
    host: str
    project_id: str
    secrets: tuple[str, ...] = field(repr=False)
    networks: Networks = ()


@dataclass(frozen=True)
class TwilioSource:
    """One account, and the tokens with which Twilio may sign."""

    account: str
    tokens: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class PartnerSource:
    """One partner of one study; without secrets, its address is all by which it is known."""

    study: str
    name: str
    secrets: tuple[bytes, ...] = field(repr=False)
    networks: Networks = ()

    def vouches_for(
        self, body: bytes, *, sender: Address, signed_at: str, signature: str, now: datetime
    ) -> bool:
        """Whether this partner sent a body: from its address, and signed not long ago."""
        if self.networks and not is_within(sender, self.networks):
            return False
        return not self.secrets or (
            _is_fresh(signed_at, now=now)
            and is_signed(body, self.secrets, signed_at=signed_at, signature=signature)
        )


@dataclass(frozen=True)
class StaffedStudy:
    """A study and its folder; only who is named in it sees anything of it."""

    study: Study = field(repr=False)
    folder: Path

    def names(self, person: str) -> bool:
        """Whether a person is one of the staff."""
        return person in self.study.notify.people


@dataclass(frozen=True)
class Informants:
    """All who may tell us something, and the studies of those who may look at something."""

    triggers: tuple[TriggerSource, ...] = ()
    accounts: tuple[TwilioSource, ...] = ()
    partners: tuple[PartnerSource, ...] = ()
    studies: tuple[StaffedStudy, ...] = ()

    def find_trigger_source(self, secret: str) -> TriggerSource | None:
        """The study whose secret this is; how long it takes tells nothing."""
        given = secret.encode("utf-8", "surrogatepass")
        found = None
        for source in self.triggers:
            for known in source.secrets:
                if hmac.compare_digest(known.encode(), given):
                    found = source
        return found


def is_signed(body: bytes, secrets: Sequence[bytes], *, signed_at: str, signature: str) -> bool:
    """Whether one of the secrets signed a body at a time: `sha256=` and HMAC-SHA256 of "time.body" in hex."""
    given, signed = signature.encode("utf-8", "surrogatepass"), signed_at.encode() + b"." + body
    return any(
        hmac.compare_digest(b"sha256=" + hmac.new(secret, signed, hashlib.sha256).hexdigest().encode(), given)
        for secret in secrets
    )


def _is_fresh(signed_at: str, *, now: datetime) -> bool:
    # Of a fixed form, because another way to write the same time would make a repetition look new.
    if not re.fullmatch(r"[1-9][0-9]{9}", signed_at, re.ASCII):
        return False
    return abs(int(signed_at) - now.timestamp()) <= SIGNED_FOR.total_seconds()
