"""Finds the forms that were loaded by where they are in REDCap."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, select

from capstan.store.connection import Store
from capstan.store.outbox_marks import record_mark
from capstan.store.outbox_rows import Mailroom
from capstan.store.session_rows import FormPlace, KeptRecord, to_kept
from capstan.store.session_tables import REDCAP_RECORD

PLACE = ("event", "instrument", "instance")


def find_form(store: Store, connection: Connection, room: Mailroom, place: FormPlace) -> KeptRecord | None:
    """The form at a place, None where it was never loaded."""
    query = select(REDCAP_RECORD).where(*of_record(store, room, place.record), *of_place(place))
    row = connection.execute(query).mappings().first()
    return to_kept(store, row) if row else None


def of_record(store: Store, room: Mailroom, record: str) -> list[ColumnElement[bool]]:
    """The forms of one record of a project."""
    named = {**room._asdict(), "record_mark": record_mark(store, room, record=record)}
    return [REDCAP_RECORD.c[name] == value for name, value in named.items()]


def of_place(place: FormPlace) -> list[ColumnElement[bool]]:
    """The forms at a place, of whatever record."""
    return [REDCAP_RECORD.c[name] == getattr(place, name) for name in PLACE]
