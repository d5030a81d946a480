"""What was last worked of each form that a rule names, and how many triggers came in each interval."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
MARK = sa.String(64)


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "seen_place",
        sa.Column("study", sa.String(100), primary_key=True),
        sa.Column("project", sa.String(300), primary_key=True),
        sa.Column("place_mark", MARK, primary_key=True),
        sa.Column("record_mark", MARK, nullable=False),
        sa.Column("event", sa.String(200), nullable=False),
        sa.Column("instrument", sa.String(200), nullable=False),
        sa.Column("instance", sa.String(20), nullable=False),
        sa.Column("content_mark", MARK, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("seen_at", TIME, nullable=False),
    )
    op.create_index("ix_seen_place_record_mark", "seen_place", ["study", "project", "record_mark"])
    counts = ("saves", "received", "late", "missed", "duplicate")
    op.create_table(
        "trigger_coverage",
        sa.Column("study", sa.String(100), primary_key=True),
        sa.Column("project", sa.String(300), primary_key=True),
        sa.Column("began_at", TIME, primary_key=True),
        sa.Column("ended_at", TIME, nullable=False),
        sa.Column("way", sa.String(20), nullable=False),
        *(sa.Column(name, sa.Integer) for name in counts),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("made", "deleted", "renamed")),
    )


def downgrade() -> None:
    """Take the tables away, with what they hold."""
    for name in ("trigger_coverage", "seen_place"):
        op.drop_table(name)
