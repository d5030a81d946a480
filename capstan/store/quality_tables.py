"""The tables of data quality: measures and outcomes over time, queries, and the panels of pages."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from capstan.store.tables import METADATA, UtcTime

# What a study's project measured on one day, as a packed frame: thousands of numbers a day, which are always
# read together. The last look of a day counts.
QUALITY_MEASURE = Table(
    "quality_measure",
    METADATA,
    Column("study", String(100), primary_key=True),
    Column("project", String(300), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("packed", LargeBinary, nullable=False),
)

# What became of one expectation on one day; `since` is when it first came to this result.
QUALITY_OUTCOME = Table(
    "quality_outcome",
    METADATA,
    Column("study", String(100), primary_key=True),
    Column("project", String(300), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("expectation", String(400), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("kind", String(50), nullable=False),
    Column("severity", String(20), nullable=False),
    Column("form", String(200), nullable=False),
    Column("field", String(200), nullable=False),
    Column("event", String(200), nullable=False),
    Column("site", String(200), nullable=False),
    Column("result", String(20), nullable=False),
    Column("observed", Float),
    Column("since", UtcTime, nullable=False),
)

# One finding for ever: a place, a field and a check, by its mark. `sealed` is the record and why.
# A finding about the project as a whole has no record.
QUERY = Table(
    "query",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("study", String(100), nullable=False),
    Column("host", String(255), nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("mark", String(64), nullable=False),
    Column("record_mark", String(64), nullable=False),
    Column("content_mark", String(64), nullable=False),
    Column("event", String(200), nullable=False),
    Column("instrument", String(200), nullable=False),
    Column("instance", String(20), nullable=False),
    Column("form", String(200), nullable=False),
    Column("field", String(200), nullable=False),
    Column("check", String(400), nullable=False),
    Column("severity", String(20), nullable=False),
    Column("site", String(200), nullable=False),
    Column("sealed", LargeBinary),
    Column("state", String(20), nullable=False),
    Column("how", String(20), nullable=False),
    Column("until", UtcTime),
    Column("opened_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    UniqueConstraint("mark", name="uq_query_mark"),
    Index("ix_query_state", "study", "host", "project_id", "state"),
    Index("ix_query_record_mark", "record_mark"),
    # A number is never given twice, because people write it down.
    sqlite_autoincrement=True,
)

# What became of a query, by whom and when; `sealed` is what was said.
QUERY_EVENT = Table(
    "query_event",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("query_id", Integer, ForeignKey("query.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("happened", String(20), nullable=False),
    Column("by", String(200), nullable=False),
    Column("sealed", LargeBinary),
    Index("ix_query_event_query_id", "query_id"),
)

# A panel of a study's page as it was last counted; `content` is its JSON, without participants' data.
PAGE_PANEL = Table(
    "page_panel",
    METADATA,
    Column("study", String(100), primary_key=True),
    Column("panel", String(100), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("content", String, nullable=False),
    Column("at", UtcTime, nullable=False),
)
