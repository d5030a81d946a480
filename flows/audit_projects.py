"""Audit projects: every cell of many projects judged by the gate's rules, on a Dask cluster."""

from __future__ import annotations

import copyreg
from importlib import import_module
from typing import Annotated, Any

import prefect
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext
from pydantic import Field

from capstan.errors import StudyError, UsageError
from capstan.progress import working
from capstan.study.parts import NAME
from flows.job import Summary
from flows.parameters import titled
from tasks.auditing import Audit, add_up, audit_study
from tasks.report import publish_report
from tasks.shield import flow_run_id, study_flow
from tasks.timetables import read_timetable

Studies = Annotated[list[Annotated[str, Field(pattern=NAME)]], titled("Studies")]
Scheduler = Annotated[
    str, titled("Dask scheduler", pattern=r"^$|^(tcp|tls)://[A-Za-z0-9.\[\]:-]+:[0-9]+$", max_length=300)
]
Processes = Annotated[int, titled("Processes on this machine", ge=1, le=64)]


@study_flow("audit-projects", about="scheduler")
def audit_projects(
    studies: Studies = [],  # noqa: B006 - Prefect reads the default, nothing changes it
    scheduler: Scheduler = "",
    processes: Processes = 2,
) -> Summary:
    """Export each study's project, judge all that it holds by the rules of imports, and count what is wrong.

    Nothing is written. Dask is told names of studies and tells counts: each of its workers needs the study
    folders and the tokens in its own environment.

    Args:
        studies: The names of the studies; every one that is found, if empty.
        scheduler: The address of a Dask scheduler, such as tcp://dask:8786; blank starts a cluster here.
        processes: How many processes a cluster that is started here has.
    """
    names = _names(studies)
    if FlowRunContext.get() is not None:
        audits = _audit_on_dask(names, scheduler=scheduler, processes=processes)
    elif scheduler:
        raise UsageError("A Dask scheduler is used in runs of a Prefect server; set PREFECT_API_URL.")
    else:
        # As `capstan run` is without a Prefect server.
        audits = _audit_here(names)
    summary = _summary(audits)
    publish_report(summary)
    return summary


def _names(studies: list[str]) -> list[str]:
    table = read_timetable(studies)
    if table.faults and studies:
        raise StudyError(table.faults[0])
    return [study.study for study in table.studies]


def _audit_here(names: list[str]) -> list[Audit]:
    audits = []
    with working("projects audited", len(names)) as advance:
        for name in names:
            audits.append(audit_study(name))
            advance(1)
    return audits


def _audit_on_dask(names: list[str], *, scheduler: str, processes: int) -> list[Audit]:
    """Let Prefect's runner of tasks hand one task a study to the cluster."""
    from prefect_dask.task_runners import DaskTaskRunner

    local: dict[str, Any] = {"n_workers": processes, "threads_per_worker": 1, "dashboard_address": None}
    runner = DaskTaskRunner(address=scheduler) if scheduler else DaskTaskRunner(cluster_kwargs=local)
    task = prefect.task(
        name="audit project", task_run_name="audit {study}", cache_policy=NO_CACHE, persist_result=False
    )(audit_study)
    send_flows_by_name()
    with runner, working("projects audited", len(names)) as advance:
        waiting = [runner.submit(task, {"study": name}) for name in names]
        audits = []
        for future in waiting:
            audits.append(future.result())
            advance(1)
    return audits


def send_flows_by_name() -> None:
    """Let pickle send a flow, as Prefect does with each task, by its name: what is wrapped cannot be sent."""
    copyreg.pickle(prefect.Flow, _by_name)


def _by_name(flow: prefect.Flow[..., Any]) -> tuple[Any, tuple[str, str]]:
    return _found, (flow.fn.__module__, flow.fn.__name__)


def _found(module: str, name: str) -> Any:
    # Whoever is sent a flow may send it on, as a scheduler in a process of its own does.
    send_flows_by_name()
    return getattr(import_module(module), name)


def _summary(audits: list[Audit]) -> Summary:
    failed = [one for one in audits if one["outcome"] == "failed"]
    outcome = "idle" if not audits else "done"
    if failed:
        outcome = "partly" if len(failed) < len(audits) else "failed"
    told = ", ".join(one["study"] for one in failed[:20])
    reason = {"reason": f"Could not be read: {told}. {failed[0]['reason']}"} if failed else {}
    return {
        "study": "all",
        "flow": "audit_projects",
        "outcome": outcome,
        "dry_run": True,
        "flow_run": flow_run_id(),
        "studies": len(audits),
        **add_up(audits),
        "projects": audits,
        **reason,
    }
