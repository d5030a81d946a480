"""Run studies: one flow for many studies, each by its own deployment; one that fails stops no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import timedelta
from importlib import import_module
from typing import Annotated, Any

from pydantic import Field
from pydantic_core import to_jsonable_python

from capstan.errors import CapstanError, StudyError, UsageError
from capstan.study.parts import NAME
from capstan.study.schedules import ScheduledFlow
from flows.job import Summary, utc_now
from flows.parameters import DryRun, titled
from tasks.fanning import GOING_ON, find_deployments, start_deployments, wait_for
from tasks.flow_runs import flow_run_context
from tasks.parameters import check_parameters
from tasks.report import publish_report
from tasks.shield import flow_run_id, study_flow
from tasks.timetables import read_timetable

Flow = Annotated[ScheduledFlow, titled("Flow")]
Spread = Annotated[int, titled("Minutes over which they begin", ge=0, le=1440)]
Wait = Annotated[int, titled("Minutes to wait", ge=0, le=1440)]
Studies = Annotated[list[Annotated[str, Field(pattern=NAME)]], titled("Studies")]
Parameters = Annotated[dict[str, bool | int | float | str], titled("Parameters of each run")]
_WELL = ("completed", "done", "idle", "dry run")
_TOLD = 20  # studies that are named


@study_flow("run-studies", about="flow")
def run_studies(
    flow: Flow,
    studies: Studies = [],  # noqa: B006 - Prefect reads the default, nothing changes it
    parameters: Parameters = {},  # noqa: B006 - the same
    spread_minutes: Spread = 0,
    wait_minutes: Wait = 60,
    dry_run: DryRun = False,
) -> Summary:
    """Start a flow for many studies, each by its own deployment, and count what became of them.

    Args:
        flow: The flow that each study is to run.
        studies: The names of the studies; every one for which the flow is deployed and not paused, if empty.
        parameters: Parameters for every run, without the study, and nothing about a participant.
        spread_minutes: Over how many minutes the runs begin, so that they do not begin at once.
        wait_minutes: How long to wait until they have ended; 0 only starts them.
        dry_run: Judge and report in each study, write nothing.
    """
    given = _checked(flow, parameters | ({"dry_run": True} if dry_run else {}))
    if flow_run_context() is None:
        # As `capstan run` is without a Prefect server.
        states = _run_here(flow, studies, given)
    else:
        found = find_deployments(flow, studies=studies)
        spread = timedelta(minutes=spread_minutes)
        started = start_deployments(
            found, parameters=given, begin=utc_now(), spread=spread, key=f"{flow_run_id()}"
        )
        seconds = (spread_minutes + wait_minutes) * 60 if wait_minutes else 0
        states = wait_for(started, seconds=seconds)
    summary = _summary(flow, states, dry_run=dry_run, is_awaited=wait_minutes > 0)
    publish_report(summary)
    return summary


def _function(flow: str) -> Any:
    return getattr(import_module(f"flows.{flow}"), flow).fn


def _checked(flow: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The given parameters in the flow's own types, as JSON has them; raises UsageError for a wrong one."""
    checked = check_parameters(_function(flow), {"study": "all", **parameters})
    return {name: to_jsonable_python(checked[name]) for name in parameters}


def _run_here(flow: str, studies: list[str], parameters: dict[str, Any]) -> dict[str, str]:
    """Run the flow of each study in this process, one after the other."""
    table = read_timetable(studies)
    if table.faults and studies:
        raise StudyError(table.faults[0])
    known = [one.study for one in table.deployments if one.row.flow == flow]
    if needless := sorted(set(studies) - set(known)):
        raise UsageError(
            f"{needless[0]} has no use for {flow}; `capstan schedule` lists what each study runs."
        )
    unread = {f"study file {place}": f"failed: {fault}" for place, fault in enumerate(table.faults, start=1)}
    return {study: _outcome(_function(flow), study, parameters) for study in known} | unread


def _outcome(function: Any, study: str, parameters: dict[str, Any]) -> str:
    try:
        return str(function(study=study, **parameters)["outcome"])
    except CapstanError as error:
        return f"failed: {error}"


def _summary(flow: str, states: dict[str, str], *, dry_run: bool, is_awaited: bool) -> Summary:
    well = (*_WELL, *(() if is_awaited else (GOING_ON,)))
    odd = sorted(study for study, state in states.items() if state not in well)
    summary: Summary = {
        "study": "all",
        "flow": "run_studies",
        "outcome": _whole(states, odd=odd),
        "dry_run": dry_run,
        "flow_run": flow_run_id(),
        "studies": len(states),
        "runs": dict(Counter(state.partition(":")[0] for state in states.values())),
    }
    said = "; ".join(f"{study} ({states[study]})" for study in odd[:_TOLD])
    more = f"; and {len(odd) - _TOLD} more" if len(odd) > _TOLD else ""
    return summary | ({"reason": f"{flow} did not end well for {said}{more}."} if odd else {})


def _whole(states: Mapping[str, str], *, odd: Collection[str]) -> str:
    """What became of all: only what every study came to counts as such."""
    if not odd:
        return "done" if states else "idle"
    if len(odd) < len(states):
        return "partly"
    return "put off" if {states[study] for study in odd} == {"put off"} else "failed"
