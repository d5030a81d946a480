"""The outbox: messages, attempts, what was heard of them, and what stands against sending."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
MARK = sa.String(64)


def upgrade() -> None:
    """Make the tables; what is there stays as it is."""
    _make_message()
    _make_attempt()
    _make_guards()
    _make_delivery_event()
    _make_address_block()
    _make_inbound()
    _make_notices()


def downgrade() -> None:
    """Take the tables away, with what they hold."""
    for name in (
        "notice_sent",
        "notice",
        "reply",
        "inbound_message",
        "address_block",
        "delivery_event",
        "channel_state",
        "sender",
        "announcement",
        "attempt",
        "message",
    ):
        op.drop_table(name)


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _project() -> list[sa.Column[Any]]:
    return [
        _needed("study", sa.String(100)),
        _needed("host", sa.String(255)),
        _needed("project_id", sa.Integer),
    ]


def _make_message() -> None:
    op.create_table(
        "message",
        sa.Column("id", sa.Integer, primary_key=True),
        _needed("key", MARK),
        *_project(),
        _needed("run_id", sa.String(32)),
        _needed("name", sa.String(100)),
        _needed("channel", sa.String(10)),
        _needed("event", sa.String(200)),
        _needed("instance", sa.String(20)),
        _needed("language", sa.String(50)),
        _needed("zones", sa.String),
        _needed("segments", sa.Integer),
        _needed("record_mark", MARK),
        _needed("address_mark", MARK),
        _needed("text_mark", MARK),
        sa.Column("sealed", sa.LargeBinary),
        _needed("not_before", TIME),
        _needed("not_after", TIME),
        _needed("state", sa.String(20)),
        _needed("rule", sa.String),
        _needed("attempts", sa.Integer),
        _needed("max_attempts", sa.Integer),
        _needed("planned_at", TIME),
        _needed("changed_at", TIME),
        sa.UniqueConstraint("key"),
    )
    due = ["study", "host", "project_id", "channel", "state", "not_before"]
    op.create_index("ix_message_due", "message", due)
    for name in ("record_mark", "address_mark", "run_id"):
        op.create_index(f"ix_message_{name}", "message", [name])


def _make_attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("message_id", sa.Integer, sa.ForeignKey("message.id"), nullable=False),
        _needed("number", sa.Integer),
        _needed("worker", sa.String(400)),
        _needed("sender", sa.String(200)),
        _needed("segments", sa.Integer),
        _needed("started_at", TIME),
        sa.Column("ended_at", TIME),
        sa.Column("outcome", sa.String(20)),
        sa.Column("sid", sa.String(100)),
        _needed("status", sa.String(30)),
        _needed("code", sa.Integer),
        _needed("failed", sa.Boolean),
        _needed("swaps", sa.Integer),
        _needed("looks", sa.Integer),
        sa.Column("looked_at", TIME),
        _needed("changed_at", TIME),
        sa.Column("written_status", sa.String(30)),
        _needed("written_to", sa.String(20)),
        sa.UniqueConstraint("sid"),
        sa.UniqueConstraint("message_id", "number", name="uq_attempt_number"),
    )
    op.create_index("ix_attempt_started_at", "attempt", ["started_at"])
    op.create_index("ix_attempt_outcome", "attempt", ["outcome"])


def _make_guards() -> None:
    op.create_table(
        "announcement",
        sa.Column("run_id", sa.String(32), primary_key=True),
        sa.Column("channel", sa.String(10), primary_key=True),
        _needed("announced", sa.Integer),
        _needed("sent", sa.Integer),
    )
    op.create_table(
        "sender",
        sa.Column("name", sa.String(200), primary_key=True),
        _needed("next_free_us", sa.BigInteger),
        sa.Column("paused_until", TIME),
        sa.Column("slow_until", TIME),
    )
    op.create_table(
        "channel_state",
        *_project(),
        _needed("channel", sa.String(10)),
        _needed("name", sa.String(100)),
        _needed("stopped", sa.Boolean),
        _needed("reason", sa.String),
        _needed("by", sa.String(200)),
        _needed("changed_at", TIME),
        sa.PrimaryKeyConstraint("study", "host", "project_id", "channel", "name"),
    )


def _make_delivery_event() -> None:
    op.create_table(
        "delivery_event",
        sa.Column("id", sa.Integer, primary_key=True),
        _needed("attempt_id", sa.String(64)),
        _needed("sid", sa.String(100)),
        _needed("status", sa.String(30)),
        _needed("code", sa.Integer),
        _needed("at", TIME),
        _needed("joined", sa.Boolean),
        sa.UniqueConstraint("attempt_id", "sid", "status", "code", name="uq_delivery_event"),
    )
    op.create_index("ix_delivery_event_sid", "delivery_event", ["sid"])


def _make_address_block() -> None:
    op.create_table(
        "address_block",
        sa.Column("id", sa.Integer, primary_key=True),
        _needed("channel", sa.String(10)),
        _needed("address_mark", MARK),
        sa.Column("sealed", sa.LargeBinary),
        _needed("reason", sa.String(100)),
        _needed("by", sa.String(200)),
        _needed("since", TIME),
        sa.Column("lifted_at", TIME),
        _needed("lifted_by", sa.String(200)),
    )
    is_open = sa.text("lifted_at IS NULL")
    op.create_index(
        "uq_address_block",
        "address_block",
        ["channel", "address_mark"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _make_inbound() -> None:
    op.create_table(
        "inbound_message",
        sa.Column("sid", sa.String(100), primary_key=True),
        _needed("channel", sa.String(10)),
        _needed("service", sa.String(100)),
        _needed("number", sa.String(100)),
        _needed("sender_mark", MARK),
        sa.Column("sealed", sa.LargeBinary),
        _needed("received_at", TIME),
    )
    op.create_index("ix_inbound_message_sender_mark", "inbound_message", ["sender_mark", "received_at"])
    op.create_table(
        "reply",
        sa.Column("sid", sa.String(100), sa.ForeignKey("inbound_message.sid"), nullable=False),
        *_project(),
        _needed("meaning", sa.String(100)),
        _needed("acted_at", TIME),
        sa.Column("handled_at", TIME),
        _needed("matches", sa.Integer),
        sa.PrimaryKeyConstraint("sid", "study", "host", "project_id"),
    )


def _make_notices() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer, primary_key=True),
        *_project(),
        _needed("cause", sa.String(100)),
        _needed("sealed", sa.LargeBinary),
        _needed("raised_at", TIME),
    )
    op.create_index("ix_notice_raised_at", "notice", ["study", "raised_at"])
    op.create_table(
        "notice_sent",
        sa.Column("id", sa.Integer, primary_key=True),
        *_project(),
        _needed("cause", sa.String(100)),
        _needed("channel", sa.String(10)),
        _needed("address_mark", MARK),
        _needed("up_to", sa.Integer),
        _needed("claimed_at", TIME),
        sa.Column("sent_at", TIME),
    )
    op.create_index("ix_notice_sent_address_mark", "notice_sent", ["address_mark", "claimed_at"])
