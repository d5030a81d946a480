"""Remembers how far a poll of a study has come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update

from capstan.store.connection import Store
from capstan.store.tables import WATERMARK


def read_watermark(store: Store, study: str, *, name: str) -> str | None:
    """The value that was written last, None before the first; values are no participants' data."""
    query = select(WATERMARK.c.value).where(WATERMARK.c.study == study, WATERMARK.c.name == name)
    with store.read() as connection:
        value: str | None = connection.execute(query).scalar()
    return value


def write_watermark(store: Store, study: str, *, name: str, value: str, now: datetime) -> None:
    """Remember a value under a study and a name."""
    this = update(WATERMARK).where(WATERMARK.c.study == study, WATERMARK.c.name == name)
    with store.write() as connection:
        if not connection.execute(this.values(value=value, updated_at=now)).rowcount:
            connection.execute(insert(WATERMARK).values(study=study, name=name, value=value, updated_at=now))
