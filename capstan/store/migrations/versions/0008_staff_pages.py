"""Staff in the browser: references to forms, and one-time links to sign in with."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
MARK = sa.String(64)


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "form_reference",
        sa.Column("reference", sa.String(32), primary_key=True),
        sa.Column("study", sa.String(100), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
    )
    op.create_index("ix_form_reference_study", "form_reference", ["study", "made_at"])
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("link_mark", MARK, unique=True),
        sa.Column("person_mark", MARK, nullable=False),
        sa.Column("client_mark", MARK, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("used_at", TIME),
    )
    op.create_index("ix_sign_in_asked_at", "sign_in", ["asked_at"])


def downgrade() -> None:
    """Take the tables away, with what they hold."""
    for name in ("sign_in", "form_reference"):
        op.drop_table(name)
