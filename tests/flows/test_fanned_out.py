"""What became of the runs that a fan-out started: put off, held and partly done are not done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import DeploymentSchedule, FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.states import Completed, Crashed, Running
from scheduled_study import scheduled_study

from capstan.timetable.deployments import Deployment, deployments_of
from capstan.timetable.starts import ANCHOR
from flows.run_studies import _summary
from tasks.fanning import GOING_ON, ending_of
from tasks.report.tags import tags_of
from tasks.standings import Stand, stand_of


@pytest.mark.parametrize("outcome", ["failed", "refused", "held", "partly", "put off"])
def test_a_completed_run_came_to_what_its_flow_told(outcome: str) -> None:
    tags = ["capstan", *tags_of({"study": "demo", "outcome": outcome})]

    assert ending_of(run(Completed(), tags)) == outcome


def test_a_run_without_a_tale_is_what_prefect_calls_it() -> None:
    assert ending_of(run(Completed(), ["capstan", "demo", "dry run"])) == "completed"
    assert ending_of(run(Crashed(), ["put off"])) == "crashed"
    assert ending_of(run(Running(), ["held"])) == GOING_ON


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        ([], "idle"),
        (["completed", "done"], "done"),
        (["put off", "put off"], "put off"),
        (["completed", "put off"], "partly"),
        (["completed", "held"], "partly"),
        (["put off", "held"], "failed"),
        (["held"], "failed"),
    ],
)
def test_only_what_every_study_came_to_counts(states: list[str], outcome: str) -> None:
    named = {f"study{place}": state for place, state in enumerate(states)}

    told = _summary("check_eligibility", named, dry_run=False, is_awaited=True)

    assert told["outcome"] == outcome
    assert ("reason" in told) is (outcome not in ("idle", "done"))


@pytest.mark.parametrize(
    ("deployed", "stand"),
    [
        ({"max_share": 0.5}, Stand.AS_WANTED),
        ({}, Stand.OTHER_TIMES),
        ({"max_share": 0.9}, Stand.OTHER_TIMES),
    ],
)
def test_a_schedule_with_other_parameters_is_not_as_the_study_says(
    deployed: dict[str, object], stand: Stand
) -> None:
    times = {"cron": "0 1 * * *", "parameters": {"max_share": 0.5}}
    wanted = of_flow("compute_visit_dates", times=times)
    timing = CronSchedule(cron="0 1 * * *", timezone=wanted.schedules[0].timezone)

    assert stand_of(wanted, deployment(timing, parameters=deployed)) is stand


@pytest.mark.parametrize(
    ("minutes", "stand"), [(5, Stand.AS_WANTED), (15, Stand.AS_WANTED), (0, Stand.OTHER_TIMES)]
)
def test_an_interval_that_begins_at_another_minute_is_not_as_the_study_says(
    minutes: int, stand: Stand
) -> None:
    wanted = of_flow("poll_participants", times={"every": "10 minutes"}, shift="5 minutes")
    timing = IntervalSchedule(
        interval=timedelta(minutes=10),
        anchor_date=ANCHOR + timedelta(minutes=minutes),
        timezone=wanted.schedules[0].timezone,
    )

    assert stand_of(wanted, deployment(timing)) is stand


def run(state: object, tags: list[str]) -> FlowRun:
    return FlowRun.model_validate({"flow_id": uuid4(), "state": state, "tags": tags})


def of_flow(flow: str, *, times: object, shift: str = "0 minutes") -> Deployment:
    study = scheduled_study(flows={flow: times}, shift=shift)
    return next(one for one in deployments_of(study) if one.row.flow == flow)


def deployment(
    timing: CronSchedule | IntervalSchedule, parameters: dict[str, object] | None = None
) -> DeploymentResponse:
    schedule = DeploymentSchedule(
        id=uuid4(), created=datetime.now(UTC), schedule=timing, active=True, parameters=parameters or {}
    )
    return DeploymentResponse(
        id=uuid4(),
        name="demo",
        version="1",
        flow_id=uuid4(),
        schedules=[schedule],
        parameters={"study": "demo"},
    )
