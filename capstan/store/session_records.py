"""Loads forms that tell of sessions: each is linked to its session, or waits for a person."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, update

from capstan.notice import Happening
from capstan.sessions import BadId, SessionId
from capstan.sessions.news import new_session, waiting_form
from capstan.store.connection import Store
from capstan.store.inbox_work import Worked
from capstan.store.notices import add_happenings
from capstan.store.outbox_marks import record_mark
from capstan.store.outbox_rows import Mailroom
from capstan.store.session_links import free, link, lock_sessions, make_session, obstacle, own_session
from capstan.store.session_places import PLACE, find_form
from capstan.store.session_rows import (
    KeptRecord,
    Loaded,
    RecordState,
    SessionForm,
    SessionKey,
    Source,
    seal_form,
)
from capstan.store.session_tables import REDCAP_RECORD


def load_forms(
    store: Store,
    room: Mailroom,
    forms: Sequence[SessionForm],
    *,
    now: datetime,
    causes: Collection[str] = (),
) -> tuple[Loaded, ...]:
    """Load forms of one project in their order, all or none; a form that says what is known changes nothing.

    A form that tells of a session that another record has, or that is to have none, waits for a person.
    `causes` are those of which staff want to be told; what happened is kept for them with the forms.
    """
    with store.write() as connection:
        lock_sessions(connection)
        loaded = tuple(_load(store, connection, room, form, now=now) for form in forms)
        news = [each.news for each in loaded if each.news and each.news.cause.value in causes]
        add_happenings(store, connection, room, happenings=news)
    return loaded


class _Standing(NamedTuple):
    """What a form comes to: the session that it names, and whether it holds there."""

    key: SessionKey | None
    state: RecordState
    reason: str
    by: str = ""


def _load(
    store: Store, connection: Connection, room: Mailroom, form: SessionForm, *, now: datetime
) -> Loaded:
    known = find_form(store, connection, room, form.place)
    if form.lacks and (known is None or known.state is RecordState.DELETED):
        return Loaded(Worked.SKIPPED, form.lacks, None, None)
    if known and known.content and form.content.user is None:
        form = replace(form, content=replace(form.content, user=known.content.user))
    standing = _standing(connection, room, form, known=known)
    held = standing.key if standing.state is RecordState.LINKED else None
    loaded = Loaded(Worked.LOADED if held else Worked.SKIPPED, standing.reason, held, standing.state)
    if known and not _differs(known, form=form, standing=standing):
        return loaded
    is_new = False
    if held and isinstance(form.named, SessionId):
        is_new = make_session(connection, room.study, form.named, source=Source.REDCAP, now=now)
    number = _keep(store, connection, room, form, known=known, standing=standing, now=now)
    _tie(connection, number, to=held, now=now)
    return loaded._replace(changed=True, news=_news(form, known, standing=standing, is_new=is_new, now=now))


def _news(
    form: SessionForm, known: KeptRecord | None, *, standing: _Standing, is_new: bool, now: datetime
) -> Happening | None:
    """What staff may want to know of a form: its session is new, or it waits and did not before."""
    if is_new and isinstance(form.named, SessionId):
        return new_session(form.named, at=now, record=form.place.record)
    waited = known is not None and (known.state, known.reason) == (standing.state, standing.reason)
    if standing.state is not RecordState.WAITING or waited:
        return None
    return waiting_form(standing.reason, at=now, record=form.place.record)


def _standing(
    connection: Connection, room: Mailroom, form: SessionForm, *, known: KeptRecord | None
) -> _Standing:
    named = form.named
    key = SessionKey(room.study, named.name, named.number) if isinstance(named, SessionId) else None
    if known and known.state is RecordState.SET_ASIDE and _names_the_same(known, form, key=key):
        return _Standing(key, RecordState.SET_ASIDE, known.reason, known.by)
    if key is None:
        return _Standing(None, RecordState.WAITING, named.reason if isinstance(named, BadId) else "")
    if known and known.state is RecordState.LINKED and known.key == key:
        return _Standing(key, RecordState.LINKED, "")
    problem = obstacle(connection, key, record=known.id if known else 0)
    return _Standing(key, RecordState.WAITING if problem else RecordState.LINKED, problem)


def _names_the_same(known: KeptRecord, form: SessionForm, *, key: SessionKey | None) -> bool:
    """Whether what a person decided on a form is still what it says."""
    has_same_text = known.content is not None and known.content.session_id == form.content.session_id
    return known.key == key and (key is not None or has_same_text)


def _differs(known: KeptRecord, *, form: SessionForm, standing: _Standing) -> bool:
    place = form.place
    return (
        _Standing(known.key, known.state, known.reason, known.by) != standing
        or known.content != form.content
        or place.event_id not in ("", known.event_id)
        or place.version not in ("", known.version)
    )


def _keep(
    store: Store,
    connection: Connection,
    room: Mailroom,
    form: SessionForm,
    *,
    known: KeptRecord | None,
    standing: _Standing,
    now: datetime,
) -> int:
    """Write down what a form says; returns its number."""
    place, key = form.place, standing.key
    row: dict[str, Any] = {
        "event_id": place.event_id or (known.event_id if known else ""),
        "version": place.version or (known.version if known else ""),
        "name": key.name if key else "",
        "number": key.number if key else 0,
        "state": standing.state,
        "reason": standing.reason,
        "by": standing.by,
        "sealed": seal_form(store, place.record, form.content),
        "changed_at": now,
    }
    if known:
        connection.execute(update(REDCAP_RECORD).where(REDCAP_RECORD.c.id == known.id).values(**row))
        return known.id
    row |= {**room._asdict(), "record_mark": record_mark(store, room, record=place.record), "added_at": now}
    row |= {name: getattr(place, name) for name in PLACE}
    (number,) = connection.execute(insert(REDCAP_RECORD).values(**row)).inserted_primary_key or (0,)
    return int(number)


def _tie(connection: Connection, number: int, *, to: SessionKey | None, now: datetime) -> None:
    """Link a record to a session, or to none, and let go of the one that it was linked to."""
    former = own_session(connection, number)
    if former == to:
        return
    if former:
        free(connection, former, now=now)
    if to:
        link(connection, to, record=number, now=now)
