"""`capstan run-studies`: one flow for many studies."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.deployments import Studies
from cli.running import AsJson, DryRun, Parameters


def run_studies(
    flow: Annotated[str, typer.Argument(help="The flow's name, such as compute_visit_dates.")],
    studies: Studies = [],  # noqa: B006 - typer reads the default, nothing changes it
    dry_run: DryRun = False,
    spread_minutes: Annotated[
        int, typer.Option(min=0, max=1440, help="Over how many minutes the runs begin.")
    ] = 0,
    wait_minutes: Annotated[
        int, typer.Option(min=0, max=1440, help="How long to wait for their ends; 0 only starts them.")
    ] = 60,
    param: Parameters = [],  # noqa: B006 - the same
    as_json: AsJson = False,
) -> None:
    """Run a flow for many studies: by their deployments at the Prefect server, or here one after the other.

    Example: capstan run-studies compute_visit_dates --dry-run --spread-minutes 30
    """
    from capstan.verdict import NO_VERDICTS
    from cli.calling import call_flow, read_parameters
    from cli.finishing import finish

    given = {
        "flow": flow.replace("-", "_"),
        "studies": studies,
        "parameters": read_parameters(param),
        "spread_minutes": spread_minutes,
        "wait_minutes": wait_minutes,
        "dry_run": dry_run,
    }
    finish(call_flow("run_studies", given), stopped=NO_VERDICTS, as_json=as_json)
