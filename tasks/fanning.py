"""Fanning out: one flow's deployments of many studies, started over a while, and what became of each."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, cast
from uuid import UUID

from capstan.errors import UsageError
from tasks.deployed import each_deployed, study_of
from tasks.shield import effect, run_logger

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

GOING_ON, NOT_STARTED = "still going on", "not started"
# Prefect calls a run completed whose flow came to one of these; it has them as tags.
_CAME_TO = ("failed", "refused", "held", "partly", "put off")
_LOOK_EVERY_SECONDS = 5.0
_PAGE = 100


class Started(NamedTuple):
    """A run of a study's deployment; `run` is None where it could not be started."""

    study: str
    run: UUID | None


@effect("find deployments")
def find_deployments(flow: str, *, studies: Collection[str] = ()) -> dict[str, UUID]:
    """The deployments of a flow by study, those that are paused left out; of all studies if none is named.

    Raises UsageError where a named study has none.
    """
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        # One of the study's own name counts before others of the same flow.
        deployed = sorted(each_deployed(client, flow=flow), key=lambda one: one.name == study_of(one))
        every = {study_of(one): one for one in deployed}
    missing = sorted(set(studies) - set(every))
    if missing:
        named = f"{missing[0]} (and {len(missing) - 1} more)" if len(missing) > 1 else missing[0]
        raise UsageError(f"{flow} is not deployed for {named}; `capstan deployments` writes what is to be.")
    return {
        study: one.id
        for study, one in sorted(every.items())
        if not one.paused and (study in studies or not studies)
    }


@effect("start deployments")
def start_deployments(
    deployments: Mapping[str, UUID],
    *,
    parameters: Mapping[str, object],
    begin: datetime,
    spread: timedelta,
    key: str,
) -> list[Started]:
    """Ask for a run of each, evenly over `spread`; what was asked for under the same `key` is not again."""
    gap = spread / max(1, len(deployments))
    return [
        Started(study, _start(deployment, parameters, due=begin + place * gap, key=f"{key}:{study}"))
        for place, (study, deployment) in enumerate(deployments.items())
    ]


def _start(deployment: UUID, parameters: Mapping[str, object], *, due: datetime, key: str) -> UUID | None:
    from httpx import HTTPError
    from prefect.deployments import run_deployment
    from prefect.exceptions import PrefectException

    try:
        run = cast(
            "FlowRun",
            run_deployment(
                deployment, parameters=dict(parameters), scheduled_time=due, timeout=0, idempotency_key=key
            ),
        )
    except (PrefectException, HTTPError, ValueError) as error:
        # One study's deployment may not know a parameter, or may just have been deleted.
        run_logger().warning("A deployment was not started: %s", type(error).__name__)
        return None
    return run.id


@effect("wait for runs")
def wait_for(started: Sequence[Started], *, seconds: float) -> dict[str, str]:
    """Wait until all runs have ended; gives what became of each, by study, as `ending_of` says it."""
    until = time.monotonic() + seconds
    states = _states(started)
    while GOING_ON in states.values() and time.monotonic() < until:
        time.sleep(_LOOK_EVERY_SECONDS)
        states = _states(started)
    return states


def _states(started: Sequence[Started]) -> dict[str, str]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    found: dict[UUID, str] = {}
    ids = [one.run for one in started if one.run]
    with get_client(sync_client=True) as client:
        for place in range(0, len(ids), _PAGE):
            mine = FlowRunFilter(id=FlowRunFilterId(any_=ids[place : place + _PAGE]))
            for run in client.read_flow_runs(flow_run_filter=mine, limit=_PAGE):
                found[run.id] = ending_of(run)
    return {one.study: found.get(one.run, "deleted") if one.run else NOT_STARTED for one in started}


def ending_of(run: FlowRun) -> str:
    """What a run came to: the outcome that its flow told, else what Prefect calls its state."""
    if run.state is None or not run.state.is_final():
        return GOING_ON
    told = [outcome for outcome in _CAME_TO if outcome in run.tags]
    return told[0] if told and run.state.is_completed() else str(run.state.name).lower()
