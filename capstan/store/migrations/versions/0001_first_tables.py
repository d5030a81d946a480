"""First tables: run, batch, watermark and the key check."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
OPEN = sa.text("state IN ('open', 'writing') AND NOT dry_run")


def upgrade() -> None:
    """Make the tables."""
    _make_run()
    _make_batch()
    op.create_table(
        "watermark",
        sa.Column("study", sa.String(100), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("study", "name", name="pk_watermark"),
    )
    op.create_table(
        "key_check",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_key_check"),
    )


def _make_run() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("study", sa.String(100), nullable=False),
        sa.Column("flow", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("reverts", sa.String(32)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("decision", sa.String(20)),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("plan_digest", sa.String(128)),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("owner", sa.String(400), nullable=False),
        sa.Column("heartbeat_at", TIME, nullable=False),
        sa.Column("purged_at", TIME),
        sa.Column("verdicts", sa.LargeBinary),
        sa.Column("plan", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.ForeignKeyConstraint(["reverts"], ["run.id"], name="fk_run_reverts"),
        sa.CheckConstraint("(kind = 'revert') = (reverts IS NOT NULL)", name=op.f("ck_run_reverts")),
    )
    op.create_index("ix_run_study", "run", ["study", "started_at"])
    op.create_index("ix_run_plan_digest", "run", ["plan_digest"])
    columns = ["study", "host", "project_id"]
    op.create_index("uq_run_open", "run", columns, unique=True, sqlite_where=OPEN, postgresql_where=OPEN)


def _make_batch() -> None:
    op.create_table(
        "batch",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("cells", sa.Integer, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("overwrite", sa.Boolean, nullable=False),
        sa.Column("journaled_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("image", sa.LargeBinary),
        sa.Column("outcome", sa.LargeBinary),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_batch"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_batch_run_id"),
    )
