"""The doorbell: which runs of Prefect's are about to begin, so that no further one is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State, StateType

from tasks.doorbell import is_about_to_begin

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def run(kind: StateType, *, name: str = "", since: datetime = NOW, due: datetime | None = None) -> FlowRun:
    state = State(type=kind, name=name or None, timestamp=since)
    return FlowRun(flow_id=uuid4(), state=state, state_name=state.name, next_scheduled_start_time=due)


@pytest.mark.parametrize(
    ("waiting", "is_awaited"),
    [
        (run(StateType.SCHEDULED, due=NOW), True),
        (run(StateType.SCHEDULED, name="Late", due=NOW - 3600 * SECOND), True),
        (run(StateType.SCHEDULED, due=NOW + 240 * SECOND), False),
        (run(StateType.SCHEDULED, name="AwaitingConcurrencySlot", due=NOW + 30 * SECOND), True),
        (run(StateType.PENDING, since=NOW - 20 * SECOND), True),
        (run(StateType.PENDING, since=NOW - 3600 * SECOND), False),
    ],
    ids=["due", "late", "later", "waits for a slot", "starts", "never started"],
)
def test_a_run_is_awaited_that_will_see_what_came_now(waiting: FlowRun, is_awaited: bool) -> None:
    assert is_about_to_begin(waiting, now=NOW) is is_awaited
