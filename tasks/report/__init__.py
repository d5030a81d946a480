"""Reports for Prefect's pages: what a run did and how the study stands, in counts, never a value or id."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from capstan.errors import CapstanError
from checks.catalogue import entry_of
from tasks.flow_runs import flow_run_context
from tasks.pages import renew
from tasks.ran import remember_end
from tasks.report.boards import publish_boards
from tasks.report.drawing import artifact_key
from tasks.report.page import CHECKS, COUNTS, OUTCOMES, Summary, brief, counts_of, markdown, title
from tasks.report.tags import tag_run
from tasks.shield import run_logger, shielded

__all__ = ["COUNTS", "OUTCOMES", "Summary", "markdown", "publish_report"]


@shielded
def publish_report(summary: Summary) -> None:
    """Publish a run's summary on the pages of its flow run, and how the study stands now, if that changed.

    A server or store that does not answer changes nothing of what the run did: then only the log has it.
    """
    run_logger().info("%s of %s: %s", summary["flow"], summary["study"], brief(summary))
    with suppress(CapstanError):
        remember_end(summary, now=datetime.now(UTC))
    renew(str(summary["study"]), summary)
    if flow_run_context() is None:
        return
    from httpx import HTTPError

    try:
        _publish(summary)
        publish_boards(
            str(summary["study"]),
            flow=str(summary["flow"]),
            is_journaled="run" in summary,
            now=datetime.now(UTC),
        )
        tag_run(summary)
    except (HTTPError, CapstanError) as error:
        run_logger().warning("The report could not be published: %s", type(error).__name__)


def _publish(summary: Summary) -> None:
    from prefect.artifacts import create_markdown_artifact, create_table_artifact

    key = artifact_key(str(summary["study"]), str(summary["flow"]))
    create_markdown_artifact(markdown=markdown(summary), key=key, description=brief(summary))
    rows = [
        {
            "check": check,
            "rows": count,
            "severity": entry_of(check).severity.value,
            "means": entry_of(check).meaning,
        }
        for part in CHECKS
        for check, count in counts_of(summary, part).items()
    ]
    if rows:
        description = f"{title(summary)}. What the checks found, in rows."
        create_table_artifact(table=rows, key=f"{key}-checks", description=description)
