"""What commands print: tables for people, one JSON line for programs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd  # every command imports this module, and `--help` must not wait for pandas

console = Console(highlight=False, soft_wrap=False)
Grouping = Annotated[
    Literal["participant", "field"], typer.Option("--by", help="What the changes are listed by.")
]
Values = Annotated[bool, typer.Option("--values", help="Show the values, which are participants' data.")]
_SIDES = ("before", "after")
_ALWAYS = ("rows_in", "cells_written", "cells_reverted")
_COLOURS = {"done": "green", "idle": "green", "dry run": "cyan", "held": "yellow", "partly": "yellow"}


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON line."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def show_summary(summary: Mapping[str, Any]) -> None:
    """Print a run's summary."""
    colour = _COLOURS.get(str(summary["outcome"]), "red")
    run = f"   run {summary['run']}" if "run" in summary else ""
    console.print(
        f"[bold]{summary['flow']}[/bold] of [bold]{summary['study']}[/bold]: "
        f"[{colour}]{summary['outcome']}[/{colour}]{run}"
    )
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in summary.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and (value or name in _ALWAYS):
            table.add_row(name.replace("_", " "), f"{value:,}")
        elif isinstance(value, Mapping) and value:
            told = ", ".join(f"{key} {count}" for key, count in value.items())
            table.add_row(name.replace("_", " "), told)
    for change in summary.get("project_changes", ()):
        table.add_row("project changed", escape(change))
    console.print(table)


def plain_table(*names: str, whole: Collection[str] = ()) -> Table:
    """A table without lines, which leaves room for words in 80 columns; columns of `whole` never break."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name in whole)
    return table


def place_of(row: Any, *, without: str = "") -> str:
    """Where a cell is, but for the part that stands above it already."""
    repeat = f"{row.instrument} #{row.instance}".strip(" #")
    parts = {"record": row.record, "event": row.event, "repeat": repeat, "field": row.field}
    return escape(" · ".join(part for name, part in parts.items() if part and name != without))


def clickable(markup: str, *, link: str) -> str:
    """What opens a link where the terminal can, and is plain text elsewhere."""
    # Brackets would end the markup, and an address may have them encoded as well.
    address = link.replace("[", "%5B").replace("]", "%5D")
    return f"[link={address}]{markup}[/link]" if link else markup


def show_stopped(stopped: pd.DataFrame, *, most: int = 60) -> None:
    """Print what was stopped and why, a line for each verdict; a place opens its form when clicked."""
    if stopped.empty:
        return
    table = plain_table("check", "where", "why", whole=("check",))
    for row in stopped.head(most).itertuples(index=False):
        place = clickable(place_of(row) or "the whole run", link=str(row.link))
        table.add_row(f"[red]{row.check}[/red]", place, escape(str(row.reason)))
    console.print("Stopped")
    console.print(table)
    if stopped["link"].any():
        console.print("[dim]Click a place to open its form, or see the addresses with --json.[/dim]")
    if len(stopped) > most:
        console.print(f"… and {len(stopped) - most} more; `capstan journal show` lists all.")


def show_diff(cells: pd.DataFrame, *, by: str, values: bool, most: int = 400) -> None:
    """Print cells as a diff, by participant or by field; without `values` only the kind of change."""
    from capstan.plan import KEYS

    group = "record" if by == "participant" else "field"
    order = list(dict.fromkeys([group, *KEYS, "field"]))
    shown = cells.sort_values(order, key=_counting, kind="stable").head(most)
    for name, part in shown.groupby(group, sort=False):
        count = int((cells[group] == name).sum())
        console.print(f"[bold]{escape(str(name))}[/bold]  {count} {'cell' if count == 1 else 'cells'}")
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
        for row in part.itertuples(index=False):
            table.add_row("", place_of(row, without=group), *_change(row, values=values))
        console.print(table)
    if len(cells) > most:
        console.print(f"… and {len(cells) - most} more cells; --json prints all.")


def _counting(texts: pd.Series[str]) -> pd.Series[str]:
    """Texts as they sort the way people count: 2 before 10."""
    return texts.str.replace("[0-9]+", lambda found: found[0].zfill(20), regex=True)


def _change(row: Any, *, values: bool) -> tuple[str, ...]:
    if not values:
        return (f"[dim]{_kind(row)}[/dim]",)
    before, after = (escape(text) or "(blank)" for text in (row.before, row.after))
    return (f"[red]- {before}[/red]", f"[green]+ {after}[/green]")


def _kind(row: Any) -> str:
    """What happens to a cell, without its values."""
    if not row.before:
        return "fills a blank"
    return "replaces a value" if row.after else "erases a value"


def with_files_described(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells in which a file is its name and size instead of its content."""
    from capstan.attachment import described

    if "action" not in cells.columns:
        return cells
    is_file = cells["action"] == "file"
    if not is_file.any():
        return cells
    told = {side: cells[side].where(~is_file, cells.loc[is_file, side].map(described)) for side in _SIDES}
    return cells.assign(**told)
