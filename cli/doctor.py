"""`capstan doctor`: everything that must be right before a study goes live, each with what to do."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from cli.running import AsJson
from cli.showing import console, print_json

_MARKS = {"ok": "[green]ok[/green]  ", "warn": "[yellow]warn[/yellow]", "fail": "[red]FAIL[/red]"}


def doctor(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="The name of the study.")],
    as_json: AsJson = False,
) -> None:
    """Examine a study: its file, token, project, rights, rules and store; says what to do for each fault.

    Example: capstan doctor demo
    """
    from tasks.examination import examine

    findings = examine(study)
    failed = any(finding.verdict == "fail" for finding in findings)
    if as_json:
        print_json({"study": study, "healthy": not failed, "findings": [f._asdict() for f in findings]})
    else:
        for finding in findings:
            # A rule is full of brackets, and its caret must stay under its place.
            console.print(
                f"{_MARKS[finding.verdict]}  [bold]{finding.what:<18}[/bold]  {escape(finding.said)}",
                soft_wrap=True,
            )
    if failed:
        again = f"mend what it says and run `capstan doctor {study}` again"
        typer.echo(f"capstan: {study} is not ready, see FAIL; {again}.", err=True)
    raise typer.Exit(1 if failed else 0)
