"""`capstan quarantine`: rows that runs stopped, until each is corrected or closed with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from cli.plans import By, Reason
from cli.running import AsJson, DryRun, Parameters, StudyOption
from cli.showing import Values, clickable, console, plain_table, print_json, show_diff, show_stopped

app = typer.Typer(no_args_is_help=True, help="Rows that were stopped, until each is answered.")
Items = Annotated[list[str], typer.Argument(metavar="ITEM", help="The ids of rows, such as RUN/3.")]
SomeItems = Annotated[
    list[str] | None,
    typer.Argument(metavar="ITEM", help="The ids of rows, such as RUN/3; all open ones without."),
]
_KEYS = ["record", "event", "instrument", "instance"]


@app.command("list")
def list_command(
    study: Annotated[str | None, typer.Option("--study", "-s", help="Only rows of this study.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that are answered.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the rows in quarantine, oldest first, with what stopped them; never a value.

    Example: capstan quarantine list --study demo
    """
    from capstan.store import read_items
    from cli.stores import open_store_here

    with open_store_here() as store:
        items = _told(store, read_items(store, study=study, every=every))
    if as_json:
        print_json({"items": items})
        return
    console.print(_listed(items, last="state" if every else "since") if items else "No row is in quarantine.")


@app.command()
def show(
    item: Annotated[str, typer.Argument(metavar="ITEM")], values: Values = False, as_json: AsJson = False
) -> None:
    """Show one row in quarantine: what it wanted to change, and why it was stopped.

    Example: capstan quarantine show 20261122-101530-ab12cd/3 --values
    """
    from capstan.store import read_items
    from cli.stores import open_store_here

    with open_store_here() as store:
        cells = read_items(store, names=[item])
        (told,) = _told(store, cells) or [{}]
    if not told:
        _gone(item)
    if as_json:
        shown = cells[["field", "before", "after"]].to_dict("records") if values else []
        print_json({**told, **({"cells": shown} if values else {})})
        return
    answer = f" by {told['by']}: {told['reason']}" if told["by"] else ""
    console.print(f"[bold]{item}[/bold]  {told['state'].replace('_', ' ')}{escape(answer)}")
    show_stopped(_verdicts(told))
    show_diff(cells, by="participant", values=values)


@app.command()
def rejudge(
    study: StudyOption,
    items: SomeItems = None,
    dry_run: DryRun = False,
    param: Parameters = [],  # noqa: B006 - typer reads the default, nothing changes it
    as_json: AsJson = False,
) -> None:
    """Judge rows again after a correction in REDCap; what passes now is written, the rest stays.

    A corrected file is simply imported: its rows answer those that are kept here.

    Example: capstan quarantine rejudge --study demo --dry-run
    """
    from cli.calling import call_flow, read_parameters
    from cli.finishing import finish, stopped_verdicts

    parameters = {"study": study, "items": items or [], "dry_run": dry_run, **read_parameters(param)}
    summary = call_flow("rejudge_quarantine", parameters)
    finish(summary, stopped=stopped_verdicts(summary), as_json=as_json)


@app.command()
def close(items: Items, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Close rows that are not wanted, with a reason; they stay readable until the study's retention ends.

    Example: capstan quarantine close 20261122-101530-ab12cd/3 --by "Ann Lee" --reason "Entered by hand"
    """
    from capstan.errors import Refused, UsageError
    from capstan.store import ItemState, decide_items, read_items
    from cli.stores import open_store_here

    if not by.strip() or not reason.strip():
        raise UsageError("A decision needs a name and a reason: --by NAME --reason TEXT.")
    with open_store_here() as store:
        read_items(store, names=items)
        closed = decide_items(
            store, set(items), state=ItemState.CLOSED, by=by, reason=reason, now=datetime.now(UTC)
        )
    if not closed:
        raise Refused("None of these rows is open any more; `capstan quarantine list --all` says why.")
    if as_json:
        print_json({"closed": closed})
        return
    console.print(f"closed {closed} of {len(set(items))}")


def _told(store: Any, cells: Any) -> list[dict[str, Any]]:
    """One entry for each item: where, which fields, and the verdicts on its row."""
    from capstan.store import find_run, read_verdicts

    found = {
        (run, *row): part.to_dict("records")
        for run in cells["run"].unique()
        for row, part in read_verdicts(store, find_run(store, run)).groupby(_KEYS, sort=False)
    }
    told = []
    for _, part in cells.groupby("item", sort=False):
        row = part.iloc[0][["item", "run", "state", "since", "by", "reason", *_KEYS]].to_dict()
        said = found.get((row["run"], *(row[key] for key in _KEYS)), [])
        errors = [one for one in said if one["severity"] == "error"]
        told.append({**row, "fields": sorted(part["field"].unique()), "verdicts": errors})
    return told


def _listed(items: list[dict[str, Any]], *, last: str) -> Any:
    table = plain_table("item", "where", "stopped by", last, whole=("item", last))
    for item in items:
        where = " · ".join(filter(None, (item[key] for key in _KEYS)))
        checks = ", ".join(dict.fromkeys(one["check"] for one in item["verdicts"]))
        told = {"state": item["state"].replace("_", " "), "since": item["since"][:10]}
        links = [one["link"] for one in item["verdicts"]]
        table.add_row(
            item["item"], clickable(escape(where), link=links[0] if links else ""), checks, told[last]
        )
    return table


def _verdicts(told: dict[str, Any]) -> Any:
    import pandas as pd

    from capstan.verdict import LINK, VERDICT_COLUMNS

    return pd.DataFrame(told["verdicts"], columns=[*VERDICT_COLUMNS, LINK])


def _gone(item: str) -> None:
    from capstan.errors import Refused

    raise Refused(f"What the row {item} held was deleted after the study's retention.")
