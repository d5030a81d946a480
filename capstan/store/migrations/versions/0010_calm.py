"""REDCap hosts that do not answer, who was told of it, and runs that wait for their study."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "breaker",
        sa.Column("host", sa.String(300), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("is_ban", sa.Boolean, nullable=False),
        sa.Column("opened_at", TIME),
        sa.Column("closed_at", TIME),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("try_at", TIME),
        sa.Column("trier", sa.String(400)),
        sa.Column("tried_at", TIME),
        sa.Column("put_off", sa.Integer, nullable=False),
    )
    op.create_table(
        "breaker_told",
        sa.Column("host", sa.String(300), primary_key=True),
        sa.Column("address_mark", sa.String(64), primary_key=True),
        sa.Column("study", sa.String(100), nullable=False),
        sa.Column("told_at", TIME, nullable=False),
    )
    op.create_table(
        "turn",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study", sa.String(100), nullable=False),
        sa.Column("call", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(400), nullable=False),
        sa.Column("beat_at", TIME, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_turn_study", "turn", ["study", "id"])


def downgrade() -> None:
    """Take the tables away, and the notices of a cause that older versions do not know."""
    for name in ("notice", "notice_sent"):
        op.execute(f"DELETE FROM {name} WHERE cause = 'outage'")
    for name in ("turn", "breaker_told", "breaker"):
        op.drop_table(name)
