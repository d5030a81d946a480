"""The lull: runs that are due wait at Prefect while those that have begun come to their end."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from capstan.errors import CapstanError, Refused
from tasks.deployed import each_of_ours, flow_of, server_address
from tasks.storekeeping import running_here

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, StateType

_LOGGER = logging.getLogger("capstan")
_NAP_SECONDS = 1.0
# It waits for runs that do not begin while the pools are paused.
_WAITING_ITSELF = frozenset({"run_studies"})


def pools_of_ours() -> tuple[str, ...]:
    """The work pools of our deployments that are not paused by somebody already; none without a server."""
    with _client() as client:
        if client is None:
            return ()
        names = sorted({one.work_pool_name for one in each_of_ours(client) if one.work_pool_name})
        return tuple(name for name in names if not client.read_work_pool(name).is_paused)


def pause(pools: Iterable[str], *, is_paused: bool = True) -> None:
    """Let workers of some pools take nothing on, or let them go on; what is due waits meanwhile."""
    from prefect.client.schemas.actions import WorkPoolUpdate

    with _client() as client:
        if client is None:
            return
        for name in pools:
            with _unless_deleted():
                client.update_work_pool(name, WorkPoolUpdate(is_paused=is_paused))


def wait_for_runs(limit: timedelta) -> None:
    """Wait until every run has ended, of Prefect's and of terminals; Refused when one has not in time."""
    until = time.monotonic() + limit.total_seconds()
    while count := _count_busy():
        if time.monotonic() > until:
            raise Refused(
                f"{count} runs have not ended within {limit}, so nothing was changed. Look at them on "
                "Prefect's pages and with `capstan store status`, or give them longer with --wait."
            )
        time.sleep(_NAP_SECONDS)


def _count_busy() -> int:
    """How many runs of our deployments have begun; where there are none, of others that the store knows."""
    from prefect.client.schemas.objects import StateType

    busy = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
    with _client() as client:
        count = 0 if client is None else sum(1 for _ in _runs(client, busy, but=_WAITING_ITSELF))
    return count or len(running_here(now=datetime.now(UTC)))


def late_runs() -> tuple[str, ...]:
    """The runs of our deployments that are due now, each as its deployment's id and its parameters in JSON.

    A new deployment forgets such runs.
    """
    from prefect.client.schemas.objects import StateType

    now = datetime.now(UTC)
    with _client() as client:
        if client is None:
            return ()
        due = (run for run in _runs(client, [StateType.SCHEDULED]) if _is_due(run, now=now))
        return tuple(sorted({_told(run) for run in due}))


def start_late(late: Iterable[str], *, reason: str) -> None:
    """Start what was due and forgotten, once for all runs of a deployment with the same parameters."""
    waiting = set(late_runs())
    with _client() as client:
        if client is not None:
            for one in sorted(set(late) - waiting):
                # An older release noted no parameters.
                deployment, _, parameters = one.partition(" ")
                key = f"{reason} {uuid5(UUID(deployment), parameters)}"
                with _unless_deleted(), _unless_refused(deployment):
                    client.create_flow_run_from_deployment(
                        UUID(deployment), parameters=json.loads(parameters or "null"), idempotency_key=key
                    )


def _told(run: FlowRun) -> str:
    # Its schedule may have given it parameters that its deployment has not.
    return f"{run.deployment_id} {json.dumps(run.parameters, sort_keys=True)}"


def _is_due(run: FlowRun, *, now: datetime) -> bool:
    return run.next_scheduled_start_time is not None and run.next_scheduled_start_time <= now


def _runs(
    client: SyncPrefectClient, states: list[StateType], *, but: Collection[str] = ()
) -> Iterator[FlowRun]:
    """Runs of our deployments in some states, `but` of some flows, those first that are due first."""
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterDeploymentId,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.sorting import FlowRunSort

    ours = [one.id for one in each_of_ours(client) if flow_of(one) not in but]
    chosen = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=ours),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)),
    )
    page, offset = 200, 0
    while ours:
        found = client.read_flow_runs(
            flow_run_filter=chosen, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=page, offset=offset
        )
        yield from found
        offset += page
        if len(found) < page:
            return


@contextmanager
def _unless_deleted() -> Iterator[None]:
    """Pass over what somebody deleted meanwhile, which must not keep the others from going on."""
    from httpx import HTTPStatusError
    from prefect.exceptions import ObjectNotFound

    try:
        yield
    except ObjectNotFound:
        return
    except HTTPStatusError as error:
        if error.response.status_code != 404:
            raise


@contextmanager
def _unless_refused(deployment: str) -> Iterator[None]:
    """Say which deployment's run Prefect refuses, such as for its parameters, and go on."""
    from httpx import HTTPStatusError

    try:
        yield
    except HTTPStatusError as error:
        if error.response.status_code not in (409, 422):
            raise
        _LOGGER.warning("Prefect refuses a run of deployment %s, which was due; start it by hand", deployment)


@contextmanager
def _client() -> Iterator[SyncPrefectClient | None]:
    """Prefect's client; None where no server is configured. Its errors become one sentence."""
    if not server_address():
        yield None
        return
    from httpx import HTTPError
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            yield client
    except HTTPError as error:
        raise CapstanError(f"The Prefect server gave no usable answer ({type(error).__name__}).") from None
