"""Reports: what a run did, in counts, for Prefect's dashboards; never a value and never a record."""

from __future__ import annotations

from collections.abc import Mapping

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.context import FlowRunContext

from checks.catalogue import CATALOGUE
from tasks.shield import effect


@effect("publish report")
def publish_report(summary: Mapping[str, object]) -> None:
    """Publish a run's summary as artifacts of the flow run, where there is one."""
    if FlowRunContext.get() is None:
        return
    study, flow = str(summary["study"]), str(summary["flow"])
    key = f"{study}-{flow}".replace("_", "-")
    create_markdown_artifact(markdown=_markdown(summary), key=key, description=f"{flow} of {study}")
    rows = [
        {"check": check, "rows": count, "severity": severity.value, "means": meaning}
        for check, count in _by_check(summary)
        for severity, meaning in [CATALOGUE[check]]
    ]
    if rows:
        create_table_artifact(
            table=rows, key=f"{key}-checks", description=f"Rows by check, {flow} of {study}"
        )


def _by_check(summary: Mapping[str, object]) -> list[tuple[str, int]]:
    both = [summary.get("rows_stopped"), summary.get("rows_warned")]
    return [
        (str(check), int(count))
        for part in both
        if isinstance(part, Mapping)
        for check, count in part.items()
    ]


def _markdown(summary: Mapping[str, object]) -> str:
    numbers = [
        (name, value)
        for name, value in summary.items()
        if isinstance(value, int) and not isinstance(value, bool)
    ]
    lines = [f"| {name.replace('_', ' ')} | {value} |" for name, value in numbers]
    head = f"# {summary['flow']} of {summary['study']}: {summary['outcome']}\n\nRun `{summary['run']}`"
    return "\n".join([head, "", "| what | count |", "|---|---:|", *lines])
