"""Standings: how the deployments that studies want stand at the Prefect server, and how they last ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from capstan.timetable.deployments import Deployment
from tasks.deployed import each_deployed, flow_of, study_of

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import DeploymentSchedule, FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

    from capstan.timetable.starts import Schedule

_AT_ONCE = 8


class Stand(StrEnum):
    """Whether Prefect starts a flow as its study says."""

    AS_WANTED = "as the study says"
    PAUSED = "paused"
    OTHER_TIMES = "other times"
    NOT_DEPLOYED = "not deployed"
    NOT_WANTED = "not in the study"


class Standing(NamedTuple):
    """One deployment at the server: how its last run ended, when that was, and when the next is due."""

    study: str
    flow: str
    stand: Stand
    last: str = ""
    last_at: datetime | None = None
    next_at: datetime | None = None


def read_standings(deployments: Iterable[Deployment]) -> list[Standing]:
    """Every deployment that studies want, then those of the same studies that none wants any more."""
    from prefect.client.orchestration import get_client

    wanted = {(one.study, one.row.flow): one for one in deployments}
    studies = {study for study, _ in wanted}
    with get_client(sync_client=True) as client:
        # One of the study's own name counts before others of the same flow.
        deployed = sorted(each_deployed(client), key=lambda one: one.name == study_of(one))
        found = {(study_of(one), flow_of(one)): one for one in deployed}
        keys = [*wanted, *sorted(key for key in found if key[0] in studies and key not in wanted)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(lambda key: _standing(client, key, wanted.get(key), found.get(key)), keys))


def stand_of(wanted: Deployment | None, found: DeploymentResponse | None) -> Stand:
    """How a deployment at the server stands to what its study wants."""
    if found is None:
        return Stand.NOT_DEPLOYED
    if wanted is None:
        return Stand.NOT_WANTED
    if found.paused or (found.schedules and not any(one.active for one in found.schedules)):
        return Stand.PAUSED
    there = {_seen(one) for one in found.schedules if one.active}
    return Stand.AS_WANTED if there == {_asked(one) for one in wanted.schedules} else Stand.OTHER_TIMES


def _asked(schedule: Schedule) -> tuple[str, str, str]:
    every = _interval(schedule.every, schedule.anchor) if schedule.every else schedule.cron
    return every, schedule.timezone, _parameters(schedule.parameters)


def _seen(schedule: DeploymentSchedule) -> tuple[str, str, str]:
    from prefect.client.schemas.schedules import IntervalSchedule

    timing = schedule.schedule
    every = (
        _interval(timing.interval, timing.anchor_date)
        if isinstance(timing, IntervalSchedule)
        else str(getattr(timing, "cron", ""))
    )
    return every, str(getattr(timing, "timezone", "")), _parameters(schedule.parameters)


def _interval(every: timedelta, anchor: datetime) -> str:
    """How often, and how long after a full interval."""
    return f"{every.total_seconds():g} s + {anchor.timestamp() % every.total_seconds():g} s"


def _parameters(given: Mapping[str, object]) -> str:
    return json.dumps(dict(given), sort_keys=True)


def _standing(
    client: SyncPrefectClient,
    key: tuple[str, str],
    wanted: Deployment | None,
    found: DeploymentResponse | None,
) -> Standing:
    stand = stand_of(wanted, found)
    if found is None:
        return Standing(*key, stand)
    last = _one_run(client, found.id, is_begun=True)
    due = _one_run(client, found.id, is_begun=False)
    ended = (str(last.state_name).lower(), last.end_time or last.start_time) if last else ("", None)
    return Standing(*key, stand, *ended, next_at=due.next_scheduled_start_time if due else None)


def _one_run(client: SyncPrefectClient, deployment: UUID, *, is_begun: bool) -> FlowRun | None:
    """The last run that has begun, or the first that has not."""
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterDeploymentId,
        FlowRunFilterState,
        FlowRunFilterStateType,
    )
    from prefect.client.schemas.objects import StateType
    from prefect.client.schemas.sorting import FlowRunSort

    waiting = [StateType.SCHEDULED, StateType.PENDING]
    states = [kind for kind in StateType if kind not in waiting] if is_begun else waiting
    chosen = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[deployment]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)),
    )
    sort = FlowRunSort.EXPECTED_START_TIME_DESC if is_begun else FlowRunSort.EXPECTED_START_TIME_ASC
    runs = client.read_flow_runs(flow_run_filter=chosen, sort=sort, limit=1)
    return runs[0] if runs else None
