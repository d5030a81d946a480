"""`capstan run`: a flow, here and now."""

from __future__ import annotations

from typing import Annotated, Any

import typer

StudyOption = Annotated[str, typer.Option("--study", "-s", help="The name of the study.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Judge and report, write nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON line, last.")]
Parameters = Annotated[
    list[str], typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter of the flow; repeat it.")
]


def run(
    flow: Annotated[str, typer.Argument(help="The flow's name, such as compute_visit_dates.")],
    study: StudyOption = "",
    dry_run: DryRun = False,
    record: Annotated[
        str, typer.Option("--record", "-r", metavar="RECORD", help="The id of the one record to run for.")
    ] = "",
    param: Parameters = [],  # noqa: B006 - typer reads the default, nothing changes it
    as_json: AsJson = False,
) -> None:
    """Run a flow here and now.

    With --record it runs for one participant. Prefect hears of a reference only, which says nothing of them.

    Example: capstan run compute_visit_dates --study demo --dry-run --record 7 -p today=2026-06-01
    """
    from cli.calling import call_flow, read_parameters
    from cli.finishing import finish, stopped_verdicts

    asked = {**_about(flow, study, dry_run=dry_run), **_named(flow, study, record=record)}
    summary = call_flow(flow, {**asked, **read_parameters(param)})
    finish(summary, stopped=stopped_verdicts(summary), as_json=as_json)


def _about(flow: str, study: str, *, dry_run: bool) -> dict[str, Any]:
    """The parameters that say for what and how; some flows are for several studies, or for none."""
    from capstan.errors import UsageError
    from cli.calling import parameters_of

    takes = parameters_of(flow)
    asked: dict[str, Any] = {"dry_run": dry_run} if dry_run or "dry_run" in takes else {}
    if "study" in takes:
        if not study:
            raise UsageError(f"Say for which study: capstan run {flow} --study NAME.")
        return {**asked, "study": study}
    if study and "studies" not in takes:
        raise UsageError(f"{flow} is not for one study; leave --study out.")
    return {**asked, "studies": [study]} if study else asked


def _named(flow: str, study: str, *, record: str) -> dict[str, str]:
    """The parameter that names a record by its reference; raises UsageError for a flow that takes none."""
    from capstan.errors import UsageError
    from cli.calling import FLOWS, parameters_of
    from tasks.references import references_of

    if not record:
        return {}
    if "participant" not in parameters_of(flow):
        able = ", ".join(name for name in FLOWS if "participant" in parameters_of(name))
        raise UsageError(f"{flow} cannot run for one record; these can: {able}.")
    return {"participant": references_of(study, records=[record])[record]}
