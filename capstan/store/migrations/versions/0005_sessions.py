"""Timepoints, sessions, and the REDCap records that belong to them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
STUDY = sa.String(100)
NAME = sa.String(200)
SESSION = ["study", "name", "number"]


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "timepoint",
        sa.Column("study", STUDY, primary_key=True),
        sa.Column("name", NAME, primary_key=True),
        _needed("site", NAME),
        _needed("is_phantom", sa.Boolean),
        _needed("added_at", TIME),
    )
    op.create_table(
        "session",
        *_session_columns(is_key=True),
        _needed("source", sa.String(20)),
        _needed("added_at", TIME),
        sa.ForeignKeyConstraint(["study", "name"], ["timepoint.study", "timepoint.name"]),
    )
    _make_redcap_record()
    _make_session_record()
    _make_dismissal()
    op.create_table(
        "session_data",
        *_session_columns(is_key=True),
        sa.Column("source", sa.String(200), primary_key=True),
        _needed("found_at", TIME),
        _session_exists(),
    )


def downgrade() -> None:
    """Take the tables away, with what they hold."""
    for name in (
        "session_data",
        "session_dismissal",
        "session_record",
        "redcap_record",
        "session",
        "timepoint",
    ):
        op.drop_table(name)


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _session_columns(*, is_key: bool) -> list[sa.Column[Any]]:
    return [
        sa.Column("study", STUDY, primary_key=is_key, nullable=False),
        sa.Column("name", NAME, primary_key=is_key, nullable=False),
        sa.Column("number", sa.Integer, primary_key=is_key, nullable=False, autoincrement=False),
    ]


def _session_exists() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(SESSION, [f"session.{name}" for name in SESSION])


def _make_redcap_record() -> None:
    key = ["study", "host", "project_id", "record_mark", "event", "instrument", "instance"]
    op.create_table(
        "redcap_record",
        sa.Column("id", sa.Integer, primary_key=True),
        _needed("study", STUDY),
        _needed("host", sa.String(255)),
        _needed("project_id", sa.Integer),
        _needed("record_mark", sa.String(64)),
        _needed("event", sa.String(200)),
        _needed("instrument", sa.String(200)),
        _needed("instance", sa.String(20)),
        _needed("event_id", sa.String(20)),
        _needed("version", sa.String(20)),
        _needed("name", NAME),
        _needed("number", sa.Integer),
        _needed("state", sa.String(20)),
        _needed("reason", sa.String),
        sa.Column("sealed", sa.LargeBinary),
        _needed("added_at", TIME),
        _needed("changed_at", TIME),
        _needed("by", sa.String(200)),
        sa.UniqueConstraint(*key, name="uq_redcap_record"),
    )
    op.create_index("ix_redcap_record_session", "redcap_record", SESSION)
    op.create_index("ix_redcap_record_state", "redcap_record", ["study", "state"])


def _make_session_record() -> None:
    op.create_table(
        "session_record",
        *_session_columns(is_key=True),
        sa.Column("record_id", sa.Integer, sa.ForeignKey("redcap_record.id"), nullable=False),
        _needed("shared", sa.Boolean),
        _needed("by", sa.String(200)),
        _needed("linked_at", TIME),
        _session_exists(),
    )
    op.create_index("ix_session_record_record_id", "session_record", ["record_id"])
    _make_partly_unique("uq_session_record_own", "session_record", ["record_id"], where="NOT shared")


def _make_dismissal() -> None:
    op.create_table(
        "session_dismissal",
        sa.Column("id", sa.Integer, primary_key=True),
        *_session_columns(is_key=False),
        _needed("kind", sa.String(20)),
        _needed("by", sa.String(200)),
        _needed("reason", sa.String),
        _needed("at", TIME),
        sa.Column("lifted_at", TIME),
        _needed("lifted_by", sa.String(200)),
        _session_exists(),
    )
    columns = [*SESSION, "kind"]
    _make_partly_unique("uq_session_dismissal_open", "session_dismissal", columns, where="lifted_at IS NULL")


def _make_partly_unique(name: str, table: str, columns: list[str], *, where: str) -> None:
    only = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=only, postgresql_where=only)
