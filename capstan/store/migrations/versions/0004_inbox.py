"""The inbox: what REDCap and partners told us, and what was done with it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables."""
    _make_inbox()
    op.create_table(
        "inbox_log",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), nullable=False),
        sa.Column("flow", sa.String(100), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.UniqueConstraint("inbox_id", "flow", "revision", name="uq_inbox_log"),
    )
    op.create_table(
        "asked",
        sa.Column("study", sa.String(100), primary_key=True),
        sa.Column("flow", sa.String(100), primary_key=True),
        sa.Column("record_mark", sa.String(64), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("asks", sa.Integer, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", TIME),
    )


def downgrade() -> None:
    """Take the tables away, with what they hold."""
    for name in ("asked", "inbox_log", "inbox"):
        op.drop_table(name)


def _make_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study", sa.String(100), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("record_mark", sa.String(64), nullable=False),
        sa.Column("place_mark", sa.String(64), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.Column("times_seen", sa.Integer, nullable=False),
        sa.Column("made_by", sa.String(20), nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("claimed_by", sa.String(400)),
        sa.Column("claimed_until", TIME),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", TIME),
        sa.Column("done_at", TIME),
    )
    op.create_index("ix_inbox_mark", "inbox", ["mark"])
    op.create_index("ix_inbox_record", "inbox", ["record_mark"])
    op.create_index("ix_inbox_received_at", "inbox", ["study", "received_at"])
    is_open = sa.text("done_at IS NULL")
    op.create_index("ix_inbox_open", "inbox", ["study", "id"], sqlite_where=is_open, postgresql_where=is_open)
