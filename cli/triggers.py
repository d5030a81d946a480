"""`capstan triggers`: what REDCap and partners told, what became of it, and how it is worked on once more."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from cli.coverage import coverage
from cli.running import AsJson
from cli.showing import Values, console, plain_table, print_json

if TYPE_CHECKING:
    from capstan.store import Kept

app = typer.Typer(no_args_is_help=True, help="What REDCap and partners told us, and what became of it.")
app.command()(coverage)
OneStudy = Annotated[str, typer.Option("--study", "-s", help="Only items of this study.")]
Status = Annotated[
    str,
    typer.Option("--status", help="Only open, loaded, skipped, again (to be tried again) or failed ones."),
]
Record = Annotated[str, typer.Option("--record", help="Only items of this record; needs --study.")]
Since = Annotated[datetime | None, typer.Option("--since", help="Only what came since then, in UTC.")]
Until = Annotated[datetime | None, typer.Option("--until", help="Only what came before then, in UTC.")]


@app.command("list")
def list_command(
    study: OneStudy = "",
    status: Status = "",
    record: Record = "",
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List items, newest first, and which flows wait to run for them; never a record.

    Example: capstan triggers list --study demo --status failed
    """
    from capstan.store import list_asked, list_items
    from cli.stores import open_store_here

    choice = _choice(study, status=status, record=record, since=since, until=until)
    with open_store_here() as store:
        told = [_told(one) for one in list_items(store, choice, limit=limit)]
        waiting = [one._asdict() for one in list_asked(store, study=study or None)]
    if as_json:
        print_json({"items": told, "waiting": waiting})
        return
    whole = ("number", "came (UTC)", "status")
    table = plain_table("number", "came (UTC)", "study", "source", "times", "status", "why", whole=whole)
    for one in told:
        at, source = f"{one['received_at']:%Y-%m-%d %H:%M}", one["made_by"] or one["source"]
        cells = (one["study"], source, str(one["times_seen"]), one["status"])
        table.add_row(str(one["id"]), at, *cells, escape(one["reason"]))
    console.print(table if told else "There are no such items.")
    for flow in waiting:
        failed = f", it failed {flow['attempts']} times" if flow["attempts"] else ""
        console.print(f"{flow['flow']} is to run for {flow['records']} records{failed}")


@app.command()
def show(
    number: Annotated[int, typer.Argument(metavar="ITEM", help="The number of an item in the list.")],
    values: Values = False,
    as_json: AsJson = False,
) -> None:
    """Show one item and what each revision of a flow made of it; with --values also what it said.

    Example: capstan triggers show 17 --values
    """
    from capstan.store import read_item
    from cli.stores import open_store_here

    with open_store_here() as store:
        kept, lines = read_item(store, number, forms=values)
    log = [line._asdict() for line in lines]
    if as_json:
        print_json({**_told(kept), **({"form": kept.form} if values else {}), "log": log})
        return
    console.print(f"[bold]{kept.id}[/bold]  {kept.source} of {kept.study}  {kept.status}", highlight=False)
    for name, text in (kept.form or {}).items():
        console.print(f"  {escape(name)}: {escape(text)}")
    if values and kept.form is None:
        console.print(
            "  What it said was deleted after the study's retention, or no key of the store opens it."
        )
    table = plain_table("flow", "revision", "at (UTC)", "outcome", "why", whole=("at (UTC)", "outcome"))
    for line in lines:
        at = f"{line.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(line.flow, str(line.revision), at, line.outcome, escape(line.reason))
    console.print(table)


@app.command()
def replay(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[ITEM]...", help="The numbers of items.")
    ] = None,
    study: OneStudy = "",
    status: Status = "",
    record: Record = "",
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Let items be worked on again: by number, record, time or status; the next run takes them.

    Example: capstan triggers replay --study demo --status failed
    """
    from capstan.errors import Refused, UsageError
    from capstan.store import reopen_items
    from cli.stores import open_store_here

    if not (numbers or record or since or until or status):
        raise UsageError("Say which items: give numbers, --status, --record, --since or --until.")
    choice = _choice(study, status=status, record=record, since=since, until=until, numbers=numbers or ())
    with open_store_here() as store:
        reopened = reopen_items(store, choice)
    if as_json:
        print_json({"reopened": reopened.items, "lost": reopened.lost})
    else:
        console.print(f"{reopened.items} items will be worked on again")
    if reopened.lost:
        said = f"what {reopened.lost} items said was deleted after the retention; save those forms again."
        if not reopened.items:
            raise Refused(f"Nothing was replayed: {said}")
        typer.echo(f"capstan: {said}", err=True)
        raise typer.Exit(4)


@app.command()
def address(study: Annotated[str, typer.Argument(metavar="STUDY", help="The name of the study.")]) -> None:
    """Print the address for REDCap's data entry trigger of a study; it holds a secret.

    Example: capstan triggers address demo
    """
    from tasks.receiving import trigger_address

    typer.echo(trigger_address(study))


def _choice(
    study: str,
    *,
    status: str,
    record: str,
    since: datetime | None,
    until: datetime | None,
    numbers: Any = (),
) -> Any:
    from datetime import UTC

    from capstan.errors import UsageError
    from capstan.store import Choice, ItemStatus

    if record and not study:
        raise UsageError("A record is one of a study: give --study too.")
    if status and status not in set(ItemStatus):
        raise UsageError(f"There is no status {status!r}; the statuses are {', '.join(ItemStatus)}.")
    span = {"since": since and since.replace(tzinfo=UTC), "until": until and until.replace(tzinfo=UTC)}
    wanted = ItemStatus(status) if status else None
    return Choice(study=study, numbers=tuple(numbers), record=record, status=wanted, **span)


def _told(kept: Kept) -> dict[str, Any]:
    names = ("id", "study", "source", "received_at", "times_seen", "made_by", "attempts", "reason")
    return {**{name: getattr(kept, name) for name in names}, "status": kept.status.value}
