"""What commands print: tables for people, one JSON line for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

console = Console(highlight=False, soft_wrap=False)
_ALWAYS = ("rows_in", "cells_written", "cells_reverted")
_COLOURS = {"done": "green", "idle": "green", "dry run": "cyan", "held": "yellow", "partly": "yellow"}


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON line."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def show_summary(summary: Mapping[str, Any]) -> None:
    """Print a run's summary."""
    colour = _COLOURS.get(str(summary["outcome"]), "red")
    console.print(
        f"[bold]{summary['flow']}[/bold] of [bold]{summary['study']}[/bold]: "
        f"[{colour}]{summary['outcome']}[/{colour}]   run {summary['run']}"
    )
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in summary.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and (value or name in _ALWAYS):
            table.add_row(name.replace("_", " "), f"{value:,}")
        elif isinstance(value, Mapping) and value:
            told = ", ".join(f"{key} {count}" for key, count in value.items())
            table.add_row(name.replace("_", " "), told)
    console.print(table)


def _place(row: Any) -> str:
    repeat = f"{row.instrument} #{row.instance}".strip(" #")
    return escape(" · ".join(part for part in (row.record, row.event, repeat, row.field) if part))


def show_stopped(stopped: pd.DataFrame, *, most: int = 60) -> None:
    """Print what was stopped and why, a line for each verdict."""
    if stopped.empty:
        return
    table = Table(title="Stopped", title_justify="left", header_style="bold", box=None, pad_edge=False)
    for name in ("check", "where", "why"):
        table.add_column(name, overflow="fold", no_wrap=name == "check")
    for row in stopped.head(most).itertuples(index=False):
        table.add_row(f"[red]{row.check}[/red]", _place(row), escape(str(row.reason)))
    console.print(table)
    if len(stopped) > most:
        console.print(f"… and {len(stopped) - most} more; `capstan journal show` lists all.")
