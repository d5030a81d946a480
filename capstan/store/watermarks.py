"""Remembers how far a poll of a study has come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from capstan.store.connection import Store
from capstan.store.tables import WATERMARK
from capstan.store.upserts import insert_or_replace


def read_watermark(store: Store, study: str, *, name: str) -> str | None:
    """The value that was written last, None before the first; values are no participants' data."""
    query = select(WATERMARK.c.value).where(WATERMARK.c.study == study, WATERMARK.c.name == name)
    with store.read() as connection:
        value: str | None = connection.execute(query).scalar()
    return value


def write_watermark(store: Store, study: str, *, name: str, value: str, now: datetime) -> None:
    """Remember a value under a study and a name."""
    row = {"study": study, "name": name, "value": value, "updated_at": now}
    with store.write() as connection:
        connection.execute(insert_or_replace(connection, WATERMARK, keys=["study", "name"]).values(row))
