"""The file of deployments: all that Prefect must know to deploy studies without a question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import yaml

from capstan.timetable.deployments import Deployment
from capstan.timetable.starts import Schedule
from capstan.timetable.words import say

WITHOUT_STUDY = MappingProxyType(
    {
        "run_studies": "Starts one flow for many studies, each by its own deployment.",
        "audit_projects": "Counts what the rules find in many projects, on a Dask cluster.",
        "send_heartbeat": "Tells a dead man's switch at CAPSTAN_HEARTBEAT_URL whether all is well.",
    }
)
_HEARTBEAT = Schedule("always", "UTC", every=timedelta(minutes=10))
JOB = {
    # Without a command, each run begins with a process that only looks for the flow.
    "command": "{{ clone.engine }}",
    # By heartbeats Prefect notices that a run's worker died (`capstan alarms`); more often it does not allow.
    "env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"},
}
# Where the worker finds the project, and which version it is: the folder in which `prefect deploy` is run.
_BUILD = [{"tasks.clone.describe_clone": {"id": "clone"}}]
_PULL = [{"prefect.deployments.steps.set_working_directory": {"directory": "{{ clone.directory }}"}}]


def prefect_file(
    deployments: Iterable[Deployment], *, command: str, pool: str, queue: str = "", heartbeat: bool = False
) -> str:
    """The text of the file; `command` wrote it, and in `pool` and `queue` runs wait for a worker.

    With `heartbeat` a dead man's switch is told every ten minutes, which needs an address.
    """
    listed = [_entry(one) for one in deployments]
    place = {
        "name": pool,
        **({"work_queue_name": queue} if queue else {}),
        "job_variables": JOB,
    }
    whole = {
        "name": "capstan",
        "build": _BUILD,
        "pull": _PULL,
        "deployments": [{**one, "work_pool": place} for one in [*listed, *_without_study(heartbeat)]],
    }
    text = yaml.dump(
        whole, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True, default_flow_style=None
    )
    head = (
        f"# Written by `{command}`; what runs when belongs into the study file, see docs/schedules.md.\n"
        f"# The work pool must exist: prefect work-pool create {pool} --type process\n"
    )
    return head + text.replace("\n- name:", "\n\n- name:").replace("deployments:\n\n-", "deployments:\n-")


def _entry(deployment: Deployment) -> dict[str, Any]:
    row, study = deployment.row, deployment.study
    limit = {"limit": row.limit, "collision_strategy": row.collision.value}
    started = _started(row.flow, row.about, deployment.schedules)
    return {
        "name": study,
        **started,
        "tags": ["capstan", study],
        "parameters": {"study": study},
        "concurrency_limit": limit,
    }


def _without_study(heartbeat: bool) -> list[dict[str, Any]]:
    """The deployments that are no study's."""
    times = {"send_heartbeat": [_HEARTBEAT] if heartbeat else []}
    return [
        {"name": "all", **_started(flow, about, times.get(flow, ())), "tags": ["capstan"]}
        for flow, about in WITHOUT_STUDY.items()
    ]


def _started(flow: str, about: str, schedules: Sequence[Schedule]) -> dict[str, Any]:
    """What is started, and when."""
    when = "; ".join(say(schedule) for schedule in schedules) or "on demand"
    return {
        "description": f"{about} {when[0].upper()}{when[1:]}.",
        "version": "{{ clone.version }}",
        "entrypoint": f"flows.{flow}.{flow}",
        "enforce_parameter_schema": True,
        "schedules": [_schedule(one) for one in schedules],
    }


def _schedule(schedule: Schedule) -> dict[str, Any]:
    told: dict[str, Any] = {"slug": schedule.slug}
    if schedule.every:
        told |= {"interval": int(schedule.every.total_seconds()), "anchor_date": schedule.anchor.isoformat()}
    else:
        told["cron"] = schedule.cron
    told["timezone"] = schedule.timezone
    return told | ({"parameters": dict(schedule.parameters)} if schedule.parameters else {})


class _Dumper(yaml.SafeDumper):
    """YAML without anchors, and with short lists and maps on one line."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write everything where it is used."""
        return True
