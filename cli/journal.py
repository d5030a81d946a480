"""`capstan journal`: what runs did, and how to undo one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from cli.running import AsJson, DryRun
from cli.showing import (
    Values,
    console,
    plain_table,
    print_json,
    show_diff,
    show_stopped,
    with_files_described,
)

app = typer.Typer(no_args_is_help=True, help="What runs did, and how to undo one.")
_MOST_CELLS = 200
Records = Annotated[
    list[str],
    typer.Option("--record", "-r", help="Only this record; repeat it. Such a run stays out of Prefect."),
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, or its beginning.")]


@app.command("list")
def list_command(
    study: Annotated[str | None, typer.Option("--study", "-s", help="Only runs of this study.")] = None,
    limit: Annotated[int, typer.Option(help="How many runs at the most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first.

    Example: capstan journal list --study demo
    """
    from capstan.store import list_runs
    from cli.stores import open_store_here

    with open_store_here() as store:
        runs = list_runs(store, study=study, limit=limit)
    if as_json:
        print_json({"runs": [_public(run) for run in runs]})
        return
    table = plain_table("run", "study", "flow", "state", "cells", "day (UTC)", whole=("run", "flow", "state"))
    for run in runs:
        written = str(run.counts.get("cells_written", run.counts.get("cells_reverted", 0)))
        started = f"{run.started_at:%Y-%m-%d}"
        table.add_row(run.id, run.study, run.flow, run.state, written, started)
    console.print(table)


@app.command()
def show(run: RunName, as_json: AsJson = False) -> None:
    """Show one run: its counts, what was stopped and why, and the cells that it wrote, or would write.

    The cells are participants' data: they are shown here and kept nowhere else.

    Example: capstan journal show 20261122-1015
    """
    from capstan.store import find_run, read_images, read_plan, read_verdicts
    from cli.stores import open_store_here

    with open_store_here() as store:
        found = find_run(store, run)
        verdicts, images, plan = (
            read_verdicts(store, found),
            read_images(store, found),
            read_plan(store, found),
        )
    images = with_files_described(images)
    if as_json:
        cells = images.drop(columns=["row_existed", "form_saved", "overwrite"]).to_dict("records")
        print_json({**_public(found), "verdicts": verdicts.to_dict("records"), "cells": cells})
        return
    console.print(f"[bold]{found.flow}[/bold] of [bold]{found.study}[/bold]: {found.state}   run {found.id}")
    console.print(", ".join(f"{name.replace('_', ' ')} {count}" for name, count in found.counts.items()))
    if found.note:
        console.print(escape(found.note))
    show_stopped(verdicts[verdicts["severity"].isin(["fatal", "hold", "error"])], most=len(verdicts))
    _show_cells(images)
    if plan is not None:
        console.print("[bold]Not written[/bold], but planned:")
        show_diff(with_files_described(plan), by="participant", values=True)


@app.command()
def revert(
    run: RunName,
    record: Records = [],  # noqa: B006 - typer reads the default, nothing changes it
    field: Annotated[
        list[str], typer.Option("--field", "-f", help="Only this field comes back; repeat it.")
    ] = [],  # noqa: B006
    dry_run: DryRun = False,
    values: Values = False,
    as_json: AsJson = False,
) -> None:
    """Undo a run, wherever REDCap still holds what it left; what somebody changed since stays and is listed.

    Values, new rows, deleted records, other ids and files all come back; an undo can be undone. With
    --dry-run it shows what would come back.

    Example: capstan journal revert 20261122-1015 --field exam_date --dry-run
    """
    from capstan.store import find_run
    from cli.finishing import finish, stopped_verdicts
    from cli.stores import open_store_here

    with open_store_here() as store:
        found = find_run(store, run)
    summary = _revert(found, records=record, fields=field, dry_run=dry_run)
    if dry_run and not as_json:
        show_kept_plan(summary["run"], values=values)
    finish(summary, stopped=stopped_verdicts(summary), as_json=as_json)


def _revert(found: Any, *, records: list[str], fields: list[str], dry_run: bool) -> dict[str, Any]:
    from cli.calling import call_flow, call_unrecorded

    if not records:
        asked = {"study": found.study, "run": found.id, "fields": fields, "dry_run": dry_run}
        return call_flow("revert_run", asked)
    asked = {"run": found.id, "records": records, "fields": fields, "dry_run": dry_run}
    return dict(call_unrecorded("revert_run", "revert_records", found.study, **asked))


def show_kept_plan(run: str, *, values: bool) -> None:
    """Print what a dry run would write."""
    from capstan.store import find_run, read_plan
    from cli.stores import open_store_here

    with open_store_here() as store:
        plan = read_plan(store, find_run(store, run))
    if plan is not None:
        show_diff(with_files_described(plan), by="participant", values=values)


def _show_cells(images: Any) -> None:
    from rich.table import Table

    table = Table(title="Cells", title_justify="left", header_style="bold")
    shown = ("record", "event", "instrument", "instance", "field", "before", "after", "outcome")
    for name in shown:
        table.add_column(name, overflow="fold")
    for row in images[list(shown)].head(_MOST_CELLS).itertuples(index=False):
        table.add_row(*map(escape, row))
    if len(images):
        console.print(table)
    if len(images) > _MOST_CELLS:
        console.print(f"… and {len(images) - _MOST_CELLS} more cells; --json prints all.")


def _public(run: Any) -> dict[str, Any]:
    hidden = {"owner", "heartbeat_at"}
    return {name: value for name, value in asdict(run).items() if name not in hidden}
