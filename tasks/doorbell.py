"""The doorbell: asks Prefect to look into a study's inbox now. What it cannot do, the schedule does.

Prefect is imported when it is first rung, because the receiver must be up in a moment.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tasks.deployed import each_deployed, server_address, study_of

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

_FLOW = "ingest_triggers"
_SOON = timedelta(seconds=2)
# A run whose process was killed before it began is pending for ever.
_STARTING = timedelta(minutes=2)


def ring(study: str) -> bool:
    """Ask for a run of the study's deployment of `ingest_triggers`; False where nobody could be asked.

    A run that is about to begin is enough for a whole burst. It never raises: the items are safe, and the
    deployment's schedule comes to them.
    """
    try:
        return _ask(study)
    except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises, the one who rings goes on
        logging.getLogger("capstan").warning("Prefect was not asked to run: %s", type(error).__name__)
        return False


def _ask(study: str) -> bool:
    from prefect.client.orchestration import get_client

    # Without an address the client would start a server of its own.
    if not server_address():
        return False
    with get_client(sync_client=True) as client:
        for deployment in each_deployed(client, flow=_FLOW):
            if study_of(deployment) == study and not deployment.paused:
                if not _is_awaited(client, deployment.id):
                    client.create_flow_run_from_deployment(deployment.id)
                return True
    return False


def _is_awaited(client: SyncPrefectClient, deployment: UUID) -> bool:
    """Whether a run that has not begun will see what came by now."""
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterDeploymentId,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType

    waiting = FlowRunFilterStateType(any_=[StateType.SCHEDULED, StateType.PENDING])
    mine = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[deployment]), state=FlowRunFilterState(type=waiting)
    )
    now = datetime.now(UTC)
    return any(is_about_to_begin(run, now=now) for run in client.read_flow_runs(flow_run_filter=mine))


def is_about_to_begin(run: FlowRun, *, now: datetime) -> bool:
    """Whether a run that is scheduled or pending begins at once, or as soon as another one makes room."""
    if run.state is not None and run.state.is_pending():
        return run.state.timestamp > now - _STARTING
    due = run.next_scheduled_start_time
    return due is None or due <= now + _SOON or run.state_name == "AwaitingConcurrencySlot"
