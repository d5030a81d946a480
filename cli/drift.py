"""`capstan drift`: what people redesigned in the project since the last run, and a person's yes to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from cli.running import AsJson
from cli.showing import console, print_json


def drift(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="The name of the study.")],
    accept: Annotated[
        bool, typer.Option("--accept", help="Let runs use the project as it is now; mend the study first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List what changed in the project since the last run; runs that use it stop until it is accepted.

    Example: capstan drift demo --accept
    """
    from tasks.connections import open_project
    from tasks.drift import accept_changes, list_changes

    live = open_project(study, check_rules=False)
    try:
        changes = list_changes(live)
        if accept:
            accept_changes(live, now=datetime.now(UTC))
    finally:
        live.close()
    if as_json:
        told = [{"kind": str(one.kind), "place": one.place, "harmless": one.is_harmless} for one in changes]
        print_json({"study": study, "accepted": accept, "changes": told})
        return
    for change in changes:
        mark = "[dim]fits[/dim]" if change.is_harmless else "[yellow]look[/yellow]"
        console.print(f"{mark}  [bold]{escape(change.place)}[/bold]  {change.kind}", soft_wrap=True)
    if not changes:
        console.print("Nothing changed in the project since the last run.")
    elif accept:
        console.print(f"Accepted; runs of {study} use the project as it is now.")
