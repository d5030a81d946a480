"""Tags: by which people find runs on Prefect's pages: the study, a dry run, and what was no plain success."""

from __future__ import annotations

from tasks.flow_runs import flow_run_context
from tasks.report.page import Summary

_PLAIN = frozenset({"done", "idle", "dry run"})


def tag_run(summary: Summary) -> None:
    """Give the flow run the tags that it lacks; a scheduled run that went well has all of them already."""
    context = flow_run_context()
    if context is None or context.flow_run is None:
        return
    run = context.flow_run
    wanted = tags_of(summary)
    if wanted - set(run.tags):
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            client.update_flow_run(run.id, tags=sorted(wanted | set(run.tags)))


def tags_of(summary: Summary) -> frozenset[str]:
    """The tags of a run with this summary."""
    outcome = str(summary["outcome"])
    tags = {str(summary["study"])}
    tags |= {"dry run"} if summary.get("dry_run") else set()
    return frozenset(tags if outcome in _PLAIN else tags | {outcome})
