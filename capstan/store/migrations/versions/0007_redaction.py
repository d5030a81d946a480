"""Redaction: which texts the provider has forgotten; what left lately; the queue's index in its order."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

QUEUE = ["study", "host", "project_id", "channel", "state", "not_before", "id"]


def upgrade() -> None:
    """Add a column to both tables of texts and to the senders, and make the index anew."""
    for table in ("attempt", "inbound_message"):
        op.add_column(table, sa.Column("redacted_at", sa.DateTime(timezone=True)))
    op.add_column("sender", sa.Column("leavings", sa.String, nullable=False, server_default="[]"))
    op.drop_index("ix_message_due", "message")
    op.create_index("ix_message_due", "message", QUEUE)


def downgrade() -> None:
    """Take the columns away, and make the former index."""
    op.drop_index("ix_message_due", "message")
    op.create_index("ix_message_due", "message", QUEUE[:-1])
    op.drop_column("sender", "leavings")
    for table in ("inbound_message", "attempt"):
        op.drop_column(table, "redacted_at")
