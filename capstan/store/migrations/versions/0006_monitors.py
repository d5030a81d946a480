"""Monitors: what is waited for, and the commands that run once when it has come."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
MARK = sa.String(64)
SUBJECT = ["study", "host", "project_id", "monitor", "subject_mark"]


def upgrade() -> None:
    """Add the tables."""
    _make_wait()
    op.create_table(
        "monitor_command",
        *_subject(),
        sa.Column("wait_id", sa.Integer, sa.ForeignKey("monitor_wait.id"), nullable=False),
        _needed("state", sa.String(20)),
        _needed("worker", sa.String(400)),
        _needed("changed_at", TIME),
        sa.Column("exit_code", sa.Integer),
        sa.PrimaryKeyConstraint(*SUBJECT),
    )


def downgrade() -> None:
    """Take the tables away, with what they hold."""
    for name in ("monitor_command", "monitor_wait"):
        op.drop_table(name)


def _make_wait() -> None:
    op.create_table(
        "monitor_wait",
        sa.Column("id", sa.Integer, primary_key=True),
        *_subject(),
        _needed("occasion_mark", MARK),
        _needed("record_mark", MARK),
        _needed("session", sa.String(200)),
        sa.Column("sealed", sa.LargeBinary),
        _needed("site", sa.String(100)),
        _needed("state", sa.String(20)),
        _needed("since", TIME),
        sa.Column("told_at", TIME),
        _needed("tellings", sa.Integer),
        sa.Column("downloaded_at", TIME),
        _needed("downloads", sa.Integer),
        sa.Column("looked_at", TIME),
        _needed("reason", sa.String),
        _needed("by", sa.String(200)),
        _needed("changed_at", TIME),
        sa.Column("ended_at", TIME),
        sa.Column("claimed_by", sa.String(400)),
        sa.Column("claimed_until", TIME),
        sa.UniqueConstraint(*SUBJECT, "occasion_mark", name="uq_monitor_wait_occasion"),
    )
    op.create_index("ix_monitor_wait_record_mark", "monitor_wait", ["record_mark"])
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_monitor_wait_open",
        "monitor_wait",
        SUBJECT,
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _subject() -> list[sa.Column[Any]]:
    return [
        _needed("study", sa.String(100)),
        _needed("host", sa.String(255)),
        _needed("project_id", sa.Integer),
        _needed("monitor", sa.String(100)),
        _needed("subject_mark", MARK),
    ]


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
