"""Measures and expectations over time, queries, panels of pages, and what a run was made with."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
MARK = sa.String(64)
NAME = sa.String(200)
WORD = sa.String(20)


def upgrade() -> None:
    """Add the tables, and the column of runs."""
    op.add_column("run", sa.Column("about", sa.JSON))
    op.create_table(
        "quality_measure",
        *_of_day(),
        sa.Column("at", TIME, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "quality_outcome",
        *_of_day(),
        sa.Column("expectation", sa.String(400), primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("severity", WORD, nullable=False),
        *(sa.Column(name, NAME, nullable=False) for name in ("form", "field", "event", "site")),
        sa.Column("result", WORD, nullable=False),
        sa.Column("observed", sa.Float),
        sa.Column("since", TIME, nullable=False),
    )
    _create_queries()
    op.create_table(
        "page_panel",
        sa.Column("study", sa.String(100), primary_key=True),
        sa.Column("panel", sa.String(100), primary_key=True),
        sa.Column("digest", MARK, nullable=False),
        sa.Column("content", sa.String, nullable=False),
        sa.Column("at", TIME, nullable=False),
    )


def downgrade() -> None:
    """Take the tables away, and the notices of a cause that older versions do not know."""
    for name in ("notice", "notice_sent"):
        op.execute(f"DELETE FROM {name} WHERE cause = 'quality'")
    for name in ("page_panel", "query_event", "query", "quality_outcome", "quality_measure"):
        op.drop_table(name)
    op.drop_column("run", "about")


def _of_day() -> list[sa.Column[str]]:
    return [
        sa.Column("study", sa.String(100), primary_key=True),
        sa.Column("project", sa.String(300), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
    ]


def _create_queries() -> None:
    op.create_table(
        "query",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("study", sa.String(100), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        *(sa.Column(name, MARK, nullable=False) for name in ("mark", "record_mark", "content_mark")),
        *(sa.Column(name, NAME, nullable=False) for name in ("event", "instrument")),
        sa.Column("instance", WORD, nullable=False),
        *(sa.Column(name, NAME, nullable=False) for name in ("form", "field")),
        sa.Column("check", sa.String(400), nullable=False),
        sa.Column("severity", WORD, nullable=False),
        sa.Column("site", NAME, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        *(sa.Column(name, WORD, nullable=False) for name in ("state", "how")),
        sa.Column("until", TIME),
        *(sa.Column(name, TIME, nullable=False) for name in ("opened_at", "last_seen_at", "changed_at")),
        sa.Column("closed_at", TIME),
        sa.UniqueConstraint("mark", name="uq_query_mark"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_query_state", "query", ["study", "host", "project_id", "state"])
    op.create_index("ix_query_record_mark", "query", ["record_mark"])
    op.create_table(
        "query_event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("query_id", sa.Integer, sa.ForeignKey("query.id"), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("happened", WORD, nullable=False),
        sa.Column("by", NAME, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
    )
    op.create_index("ix_query_event_query_id", "query_event", ["query_id"])
