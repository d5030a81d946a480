"""Dead runs: what Prefect's automations did not hear of is ended when the next run of its kind begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from capstan.timetable.table import TIMETABLE

if TYPE_CHECKING:
    from prefect import Flow, State
    from prefect.client.schemas.objects import FlowRun

# Longer than a worker takes from its claim to a run's beginning.
_PATIENCE = timedelta(minutes=3)
_MOST = 50


def end_dead_runs(
    flow: Flow[..., Any],
    flow_run: FlowRun,
    state: State,  # noqa: ARG001 - what Prefect gives to a hook
) -> None:
    """Let Prefect call crashed what died unnoticed, such as when an API replica died with its worker.

    A hook of Prefect's, for flows of which only one run of a deployment may go on: as this one goes on, any
    other that seems to lost its place when it died.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterDeploymentId,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.states import Crashed

    if flow_run.deployment_id is None or not _runs_alone(flow.name):
        return
    states = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING])
    wanted = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[flow_run.deployment_id]),
        state=FlowRunFilterState(type=states),
    )
    with get_client(sync_client=True) as client:
        for other in client.read_flow_runs(flow_run_filter=wanted, limit=_MOST):
            since = other.state.timestamp if other.state else None
            if other.id != flow_run.id and since and datetime.now(UTC) - since > _PATIENCE:
                client.set_flow_run_state(other.id, Crashed(message="Its worker is gone."))


def _runs_alone(flow_name: str) -> bool:
    return any(row.flow.replace("_", "-") == flow_name and row.limit == 1 for row in TIMETABLE)
