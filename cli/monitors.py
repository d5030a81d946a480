"""`capstan monitors`: what is waited for, where it stands, and a person's word that nothing will come."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from capstan.monitors import WaitState
from cli.plans import Reason, short
from cli.running import AsJson
from cli.session_finding import StudyName, read_study_file
from cli.showing import Values, console, plain_table, print_json

if TYPE_CHECKING:
    from capstan.store import MonitorWait, Store

app = typer.Typer(no_args_is_help=True, help="Monitors: what should have followed and has not.")
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The number of a wait in the list.")]
By = Annotated[str, typer.Option("--by", callback=short, help="Who decides; your login without it.")]
_TIMES = ("since", "told_at", "downloaded_at", "looked_at", "ended_at")


@app.command("list")
def list_command(
    study: StudyName,
    monitor: Annotated[str | None, typer.Option("--monitor", help="Only waits of this monitor.")] = None,
    state: Annotated[WaitState | None, typer.Option(help="Only waits in this state.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Ended waits too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the waits that are open, newest first, or with --all or --state others too.

    Example: capstan monitors list demo --monitor scan_data
    """
    from capstan.store import list_waits
    from cli.stores import open_store_here

    read_study_file(study)
    only_open = not every and state is None
    with open_store_here() as store:
        found = list_waits(store, study, monitor=monitor, state=state, only_open=only_open, limit=limit)
        told = [_told(store, one) for one in found]
    if as_json:
        print_json({"waits": told})
        return
    whole = ("number", "monitor", "since (UTC)", "state")
    table = plain_table("number", "monitor", "session", "since (UTC)", "state", "told", "why", whole=whole)
    for one in told:
        since, names = f"{one['since']:%Y-%m-%d %H:%M}", ("monitor", "session")
        said = (one["state"], str(one["tellings"]), escape(_why(one)))
        table.add_row(str(one["number"]), *(escape(one[name]) for name in names), since, *said)
    console.print(table if told else "Nothing is waited for.")


@app.command()
def show(study: StudyName, number: Number, values: Values = False, as_json: AsJson = False) -> None:
    """Show one wait; with --values also the record, and where in REDCap it belongs.

    Example: capstan monitors show demo 17 --values
    """
    from capstan.store import read_wait
    from cli.stores import open_store_here
    from tasks.form_links import staff_link

    known = read_study_file(study)
    with open_store_here() as store:
        wait = read_wait(store, study, number=number)
        told = _told(store, wait)
        if wait.place and wait.place.instrument:
            told["link"] = staff_link(store, known, place=wait.place, now=datetime.now(UTC))
    if values and wait.place:
        told |= vars(wait.place)
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        if value not in ("", None):
            text = f"{value:%Y-%m-%d %H:%M} UTC" if name in _TIMES else str(value)
            console.print(f"  {name.replace('_', ' ')}: {escape(text)}")


@app.command()
def dismiss(study: StudyName, number: Number, reason: Reason, by: By = "") -> None:
    """Say that what is waited for will not come: nobody is told of it any more, also after a re-save.

    Example: capstan monitors dismiss demo 17 --reason "The scanner broke"
    """
    from capstan.store import dismiss_wait
    from cli.stores import open_store_here

    read_study_file(study)
    with open_store_here() as store:
        who = by.strip() or login()
        dismiss_wait(store, study, number=number, reason=reason, by=who, now=datetime.now(UTC))
    console.print(f"wait {number} is dismissed")


def login() -> str:
    """Say who is logged in; blank where the system does not tell, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _told(store: Store, wait: MonitorWait) -> dict[str, Any]:
    from capstan.store import find_command

    command = find_command(store, wait.id)
    state, code = command or ("", None)
    names = ("monitor", "session", "site", "tellings", "downloads", "reason", "by")
    times = {name: getattr(wait, name) for name in ("downloaded_at", "looked_at", "ended_at")}
    return {
        "number": wait.id,
        "state": wait.standing.state,
        "since": wait.standing.since,
        "told_at": wait.standing.told_at,
        **{name: getattr(wait, name) for name in names},
        **times,
        "command": str(state),
        "exit_code": code,
    }


def _why(told: dict[str, Any]) -> str:
    """Why it ended, and what became of its command where that went wrong."""
    command = told["command"] if told["command"] in ("failed", "cut off") else ""
    by = f" ({told['by']})" if told["by"] else ""
    return "; ".join(
        part for part in (f"{told['reason']}{by}", f"command {command}" if command else "") if part
    )
