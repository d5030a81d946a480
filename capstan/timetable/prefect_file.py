"""The file of deployments: all that Prefect must know to deploy studies without a question."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

import yaml

from capstan.timetable.deployments import Deployment
from capstan.timetable.starts import Schedule
from capstan.timetable.words import say

WITHOUT_STUDY = MappingProxyType(
    {
        "run_studies": "Starts one flow for many studies, each by its own deployment. On demand.",
        "audit_projects": "Counts what the rules find in many projects, on a Dask cluster. On demand.",
    }
)
# Where the worker finds the project, and which version it is: the folder in which `prefect deploy` is run.
_BUILD = [{"tasks.clone.describe_clone": {"id": "clone"}}]
_PULL = [{"prefect.deployments.steps.set_working_directory": {"directory": "{{ clone.directory }}"}}]


def prefect_file(deployments: Iterable[Deployment], *, command: str, pool: str, queue: str = "") -> str:
    """The text of the file; `command` wrote it, and in `pool` and `queue` runs wait for a worker."""
    listed = [_entry(one) for one in deployments]
    place = {"name": pool, "work_queue_name": queue} if queue else {"name": pool}
    whole = {
        "name": "capstan",
        "build": _BUILD,
        "pull": _PULL,
        "deployments": [{**one, "work_pool": place} for one in [*listed, *_without_study()]],
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
    row = deployment.row
    when = "; ".join(say(schedule) for schedule in deployment.schedules)
    return {
        "name": deployment.study,
        "description": f"{row.about} {when[:1].upper()}{when[1:]}." if when else f"{row.about} On demand.",
        "version": "{{ clone.version }}",
        "tags": ["capstan", deployment.study],
        "entrypoint": f"flows.{row.flow}.{row.flow}",
        "parameters": {"study": deployment.study},
        "enforce_parameter_schema": True,
        "concurrency_limit": {"limit": row.limit, "collision_strategy": row.collision.value},
        "schedules": [_schedule(one) for one in deployment.schedules],
    }


def _without_study() -> list[dict[str, Any]]:
    """The deployments that are no study's."""
    return [
        {
            "name": "all",
            "description": about,
            "version": "{{ clone.version }}",
            "tags": ["capstan"],
            "entrypoint": f"flows.{flow}.{flow}",
            "parameters": {},
            "enforce_parameter_schema": True,
            "schedules": [],
        }
        for flow, about in WITHOUT_STUDY.items()
    ]


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
