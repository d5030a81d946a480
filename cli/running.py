"""`capstan run`: a flow, here and now."""

from __future__ import annotations

from typing import Annotated

import typer

StudyOption = Annotated[str, typer.Option("--study", "-s", help="The name of the study.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Judge and report, write nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON line, last.")]
Parameters = Annotated[
    list[str], typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter of the flow; repeat it.")
]


def run(
    flow: Annotated[str, typer.Argument(help="The flow's name, such as compute_visit_dates.")],
    study: StudyOption,
    dry_run: DryRun = False,
    param: Parameters = [],  # noqa: B006 - typer reads the default, nothing changes it
    as_json: AsJson = False,
) -> None:
    """Run a flow here and now.

    Example: capstan run compute_visit_dates --study demo --dry-run -p max_share=1
    """
    from cli.calling import call_flow, read_parameters
    from cli.finishing import finish, stopped_verdicts

    summary = call_flow(flow, {"study": study, "dry_run": dry_run, **read_parameters(param)})
    finish(summary, stopped=stopped_verdicts(summary), as_json=as_json)
