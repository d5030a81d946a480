"""What a held plan was judged by, approvals, quarantine, and steps that are no imports."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns and tables; what is there stays as it is."""
    op.add_column("run", sa.Column("basis", sa.JSON))
    op.add_column("run", sa.Column("expires_at", TIME))
    op.add_column("run", sa.Column("rejected", sa.LargeBinary))
    op.add_column("batch", sa.Column("action", sa.String(10), nullable=False, server_default="import"))
    _make_approval()
    _make_quarantine()


def downgrade() -> None:
    """Take the columns and tables away, with what they hold."""
    op.drop_table("quarantine")
    op.drop_table("approval")
    op.drop_column("batch", "action")
    for name in ("rejected", "expires_at", "basis"):
        op.drop_column("run", name)


def _make_approval() -> None:
    op.create_table(
        "approval",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("approved_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_by", sa.String(32)),
        sa.PrimaryKeyConstraint("run_id", name="pk_approval"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_approval_run_id"),
        sa.ForeignKeyConstraint(["used_by"], ["run.id"], name="fk_approval_used_by"),
    )


def _make_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("decided_at", TIME),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_quarantine"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_quarantine_run_id"),
    )
    op.create_index("ix_quarantine_state", "quarantine", ["state"])
