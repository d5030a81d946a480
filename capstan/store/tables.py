"""The store's tables. A change here needs a migration in `migrations/versions` and a new `migrate.HEAD`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)
from sqlalchemy.types import TypeDecorator

from capstan.errors import StoreError


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC; SQLite itself forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn an aware time into UTC; a naive one is an error of the caller."""
        if value is not None and value.tzinfo is None:
            raise StoreError("A time without a zone was given to the store; times must be aware.")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Say again that the time is UTC."""
        if not isinstance(value, datetime):
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

RUN = Table(
    "run",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("study", String(100), nullable=False),
    Column("flow", String(100), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("reverts", String(32), ForeignKey("run.id")),
    Column("state", String(20), nullable=False),
    Column("decision", String(20)),
    Column("project_id", Integer, nullable=False),
    Column("host", String(255), nullable=False),
    Column("plan_digest", String(128)),
    Column("dry_run", Boolean, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("counts", JSON, nullable=False),
    Column("note", String, nullable=False),
    Column("owner", String(400), nullable=False),
    Column("heartbeat_at", UtcTime, nullable=False),
    Column("purged_at", UtcTime),
    Column("verdicts", LargeBinary),
    Column("plan", LargeBinary),
    # What a held plan was judged by: digests and limits, no participants' data.
    Column("basis", JSON),
    # What the run ran with, how long its steps took, and its cells counted by field and event.
    Column("about", JSON),
    Column("expires_at", UtcTime),
    Column("rejected", LargeBinary),
    CheckConstraint("(kind = 'revert') = (reverts IS NOT NULL)", name="reverts"),
    Index("ix_run_study", "study", "started_at"),
    Index("ix_run_plan_digest", "plan_digest"),
    # The guard against two writers at once: a constraint, because a look before an insert can be late.
    # A dry run writes nothing, so it is in nobody's way.
    Index(
        "uq_run_open",
        "study",
        "host",
        "project_id",
        unique=True,
        sqlite_where=text("state IN ('open', 'writing') AND NOT dry_run"),
        postgresql_where=text("state IN ('open', 'writing') AND NOT dry_run"),
    ),
)

BATCH = Table(
    "batch",
    METADATA,
    Column("run_id", String(32), ForeignKey("run.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("action", String(10), nullable=False, server_default="import"),
    Column("state", String(20), nullable=False),
    Column("cells", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("overwrite", Boolean, nullable=False),
    Column("journaled_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("image", LargeBinary),
    Column("outcome", LargeBinary),
)

# A person's yes to a held plan; `used_by` is the run that applied it.
APPROVAL = Table(
    "approval",
    METADATA,
    Column("run_id", String(32), ForeignKey("run.id"), primary_key=True),
    Column("by", String(200), nullable=False),
    Column("reason", String, nullable=False),
    Column("approved_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_by", String(32), ForeignKey("run.id")),
)

# One row that a run stopped; its cells are in the run's `rejected`.
QUARANTINE = Table(
    "quarantine",
    METADATA,
    Column("run_id", String(32), ForeignKey("run.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    Column("decided_at", UtcTime),
    Column("by", String(200), nullable=False),
    Column("reason", String, nullable=False),
    Index("ix_quarantine_state", "state"),
)

WATERMARK = Table(
    "watermark",
    METADATA,
    Column("study", String(100), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("value", String, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)

# Two sealed words: one to notice a lost key before anything is sealed with another one, and the secret
# of the fingerprints.
KEY_CHECK = Table(
    "key_check",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("token", LargeBinary, nullable=False),
)

SEALED = frozenset({"verdicts", "plan", "rejected", "image", "outcome"})
RUN_VALUES = [column for column in RUN.columns if column.name not in SEALED]
BATCH_VALUES = [column for column in BATCH.columns if column.name not in SEALED]
