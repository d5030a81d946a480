"""Names records, addresses and texts by fingerprints, so that sealed rows can be found."""

from __future__ import annotations

import json

from capstan.delivery import Channel
from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom


def record_mark(store: Store, room: Mailroom, *, record: str) -> str:
    """The fingerprint of a record of one project."""
    return _mark(store, "record", *room, record)


def address_mark(store: Store, channel: Channel | str, *, address: str) -> str:
    """The fingerprint of a phone number or mail address; mail is told apart by no case."""
    known = address.strip().casefold() if channel == Channel.EMAIL else address.strip()
    return _mark(store, "address", str(channel), known)


def text_mark(store: Store, text: str) -> str:
    """The fingerprint of what a message says."""
    return _mark(store, "text", text)


def _mark(store: Store, *parts: str | int) -> str:
    return store.keys.fingerprint(json.dumps(parts))
