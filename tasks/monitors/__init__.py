"""Monitors: what starts a wait and what follows a record, for everything that hears of either."""

from __future__ import annotations

from datetime import datetime

from capstan.store import Opening, Store, end_former_waits, end_waits_of, open_waits, rename_waits
from capstan.study import Study
from capstan.triggers import Place
from tasks.messages.queueing import room_of

_BY = "REDCap"


def open_monitors(
    store: Store,
    study: Study,
    *,
    monitor: str,
    place: Place,
    now: datetime,
    session: str = "",
    site: str = "",
) -> bool:
    """Open a monitor's wait for a session, or for the place where there is none; True if that is a new one.

    However often it is called, a subject has one open wait, and a place opens one for ever. `site` is the
    session's site or the record's access group.
    """
    opening = Opening(monitor, now, place=place, session=session, site=site)
    return open_waits(store, room_of(study), [opening], now=now) == 1


def end_monitors(store: Store, study: Study, *, record: str, reason: str, now: datetime) -> int:
    """Dismiss the open waits of a record that was deleted; returns how many."""
    return end_waits_of(store, room_of(study), record=record, reason=reason, by=_BY, now=now)


def end_former(store: Store, study: Study, *, place: Place, session: str, now: datetime) -> int:
    """Dismiss the open waits that a form opened for another session than it names now; returns how many."""
    reason = "its form names another session now"
    return end_former_waits(
        store, room_of(study), place=place, session=session, reason=reason, by=_BY, now=now
    )


def rename_subject(store: Store, study: Study, *, old: str, new: str, now: datetime) -> int:
    """Let the waits of a record that was renamed go on under its new name; returns how many."""
    return rename_waits(store, room_of(study), old=old, new=new, now=now)
