"""`capstan forms`: mark forms as complete."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.running import AsJson, DryRun, Parameters, StudyOption

app = typer.Typer(no_args_is_help=True, help="Mark forms as complete.")


@app.callback()
def forms() -> None:
    """Mark forms as complete."""


@app.command()
def complete(
    form: Annotated[str, typer.Argument(metavar="FORM", help="The name of the instrument.")],
    study: StudyOption,
    event: Annotated[str, typer.Option("--event", "-e", help="Only this event, by its unique name.")] = "",
    when: Annotated[str, typer.Option(help="Logic that must hold on the row.")] = "",
    dry_run: DryRun = False,
    param: Parameters = [],  # noqa: B006 - typer reads the default, nothing changes it
    as_json: AsJson = False,
) -> None:
    """Mark a form as complete on every row that has data of it, through the gate.

    Example: capstan forms complete randomization --study demo --when "[rand_date] <> ''" --dry-run
    """
    from cli.calling import call_flow, read_parameters
    from cli.finishing import finish, stopped_verdicts

    asked = {"study": study, "form": form, "event": event, "when": when, "dry_run": dry_run}
    summary = call_flow("complete_forms", {**asked, **read_parameters(param)})
    finish(summary, stopped=stopped_verdicts(summary), as_json=as_json)
