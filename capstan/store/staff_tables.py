"""Tables for staff in the browser: references to forms, and one-time links to sign in with."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from capstan.store.tables import METADATA, UtcTime

_MARK = String(64)

# A form under a name that says nothing of it; the place itself is sealed.
FORM_REFERENCE = Table(
    "form_reference",
    METADATA,
    Column("reference", String(32), primary_key=True),
    Column("study", String(100), nullable=False),
    Column("host", String(255), nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Index("ix_form_reference_study", "study", "made_at"),
)

# One time that somebody asked for a link, also somebody whom no study names: that one gets no `link_mark`.
SIGN_IN = Table(
    "sign_in",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("link_mark", _MARK, unique=True),
    Column("person_mark", _MARK, nullable=False),
    Column("client_mark", _MARK, nullable=False),
    Column("sealed", LargeBinary),
    Column("asked_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Index("ix_sign_in_asked_at", "asked_at"),
)
