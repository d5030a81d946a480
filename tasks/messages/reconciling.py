"""Reconciling: what is known of messages whose answer was lost, before anything is sent again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from capstan.delivery import Channel
from capstan.errors import MessagingError
from capstan.message import MessageState
from capstan.messaging import Listed
from capstan.store import (
    LEASE,
    Mailroom,
    Patience,
    Store,
    Try,
    owned_sids,
    settle_unknown,
    sweep_claims,
    unknown_tries,
)
from tasks.crash import crash_point
from tasks.shield import run_logger

Listing = Callable[[str, datetime], Sequence[Listed]]
"""Lists the provider's messages to an address from a time on."""

# One bad answer is an accident; so many in a row say that the provider is down, and each may take long.
_DOWN_AFTER = 3
# Provider's times are whole seconds of another clock.
_SKEW = timedelta(minutes=1)


def reconcile(
    store: Store,
    room: Mailroom,
    *,
    channel: Channel,
    listing: Listing | None,
    now: datetime,
    lease: timedelta = LEASE,
    patience: Patience = Patience(),  # noqa: B008 - a constant
) -> Counter[MessageState]:
    """Look once for each message of unknown end; returns how many are in which state now.

    Callbacks have settled theirs already. Without `listing`, as with mail or where the provider forgets
    texts, what no callback settles goes to a person. Run it again after a minute: one look proves nothing.
    """
    lost = sweep_claims(store, room, now=now, lease=lease)
    if lost:
        run_logger().warning("%d messages were claimed by workers that died", lost)
    open_ones = [one for one in unknown_tries(store, room) if one.message.channel is channel]
    counts: Counter[MessageState] = Counter()
    unanswered = 0
    for one in open_ones:
        try:
            found = _found(store, one, listing=listing)
            unanswered = 0
        except MessagingError as error:
            # Nobody was asked, so nothing is proved.
            unanswered += 1
            if unanswered < _DOWN_AFTER:
                continue
            run_logger().warning("Messages of unknown end stay so for now: %s", error)
            break
        counts[settle_unknown(store, one.attempt.id, found=found, now=now, patience=patience)] += 1
        crash_point("settled")
    return counts


def _found(store: Store, one: Try, *, listing: Listing | None) -> tuple[str, ...] | None:
    """The provider's messages that may be this one: its address, its words, its time, and nobody else's."""
    content = one.message.content
    if listing is None or content is None:
        return None
    since = one.attempt.started_at - _SKEW
    alike = [each.sid for each in listing(content.address, since) if each.text == content.text]
    owned = owned_sids(store, alike)
    return tuple(sid for sid in alike if sid not in owned)
