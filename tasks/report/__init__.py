"""Reports for Prefect's pages: what a run did and how the study stands, in counts, never a value or id."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime

from capstan.errors import CapstanError
from capstan.settings import load_settings
from capstan.store import Store
from checks.catalogue import entry_of
from tasks.connections import open_store
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
    # One for all: opening it is most of what an idle run pays here.
    with _store_if_there() as store:
        if store is not None:
            with suppress(CapstanError):
                remember_end(store, summary, now=datetime.now(UTC))
            renew(store, summary)
        if flow_run_context() is not None:
            _publish_in_prefect(store, summary)


def _store_if_there() -> AbstractContextManager[Store | None]:
    try:
        return open_store(load_settings())
    except CapstanError as error:
        run_logger().warning("The store could not be opened for the report: %s", type(error).__name__)
        return nullcontext()


def _publish_in_prefect(store: Store | None, summary: Summary) -> None:
    from httpx import HTTPError

    try:
        _publish(summary)
        if store is not None:
            study, flow = str(summary["study"]), str(summary["flow"])
            publish_boards(store, study, flow=flow, is_journaled="run" in summary, now=datetime.now(UTC))
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
