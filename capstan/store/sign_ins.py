"""One-time links by which staff sign in: who asked, how often, and whether a link was used."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from capstan.store.connection import Store
from capstan.store.staff_tables import SIGN_IN

LINK_LIFE = timedelta(minutes=15)
MOST_LINKS = 3
"""How many links a person is sent within `LINK_LIFE`."""
MOST_TRIES = 10
"""How many links a client may ask for within `LINK_LIFE`, for whomever."""
_KEPT = timedelta(days=1)


def ask_for_link(store: Store, *, person: str, client: str, link: str | None, now: datetime) -> bool:
    """Write down that a client asked for a link for a person; False where it was too often.

    Without `link` the person is unknown; whoever asks must not see a difference, so it counts the same.
    """
    marks = {
        "person_mark": store.keys.fingerprint(f"sign-in person {person}"),
        "client_mark": store.keys.fingerprint(f"sign-in client {client}"),
    }
    row = {
        **marks,
        "link_mark": _mark(store, link) if link else None,
        "sealed": store.keys.seal(json.dumps(person).encode()) if link else None,
        "asked_at": now,
    }
    with store.write() as connection:
        connection.execute(delete(SIGN_IN).where(SIGN_IN.c.asked_at < now - _KEPT))
        for name, most in (("person_mark", MOST_LINKS), ("client_mark", MOST_TRIES)):
            lately = (SIGN_IN.c[name] == marks[name], SIGN_IN.c.asked_at > now - LINK_LIFE)
            if connection.execute(select(func.count()).where(*lately)).scalar_one() >= most:
                return False
        connection.execute(insert(SIGN_IN).values(row))
    return True


def link_person(store: Store, link: str, *, now: datetime) -> str:
    """Whom a link would sign in; "" for one that is unknown, used or too old."""
    with store.read() as connection:
        sealed = connection.execute(select(SIGN_IN.c.sealed).where(*_usable(store, link, now))).scalar()
    return "" if sealed is None else str(json.loads(store.keys.unseal(sealed)))


def use_link(store: Store, link: str, *, now: datetime) -> str:
    """Use a link up, and answer whom it signs in; "" for all but the first who use it in time."""
    used = update(SIGN_IN).where(*_usable(store, link, now)).values(used_at=now).returning(SIGN_IN.c.sealed)
    with store.write() as connection:
        sealed = connection.execute(used).scalar()
    return "" if sealed is None else str(json.loads(store.keys.unseal(sealed)))


def _usable(store: Store, link: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    is_fresh = SIGN_IN.c.asked_at > now - LINK_LIFE
    return SIGN_IN.c.link_mark == _mark(store, link), SIGN_IN.c.used_at.is_(None), is_fresh


def _mark(store: Store, link: str) -> str:
    # Whoever reads the database must not be able to use what is in it.
    return store.keys.fingerprint(f"sign-in link {link}")
