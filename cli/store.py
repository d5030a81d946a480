"""`capstan store`: the store itself, its backups, and the version of its tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.running import AsJson
from cli.showing import console, plain_table, print_json

app = typer.Typer(no_args_is_help=True, help="The store: its state, backups, and the version of its tables.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say where the store is, which version its tables have, how full it is, and what was backed up when.

    Nothing is changed, not even tables of an older version. Example: capstan store status
    """
    from tasks.storekeeping import look_at_store

    found = look_at_store(now=datetime.now(UTC))
    if as_json:
        print_json(found)
        return
    rows = {name: count for name, count in found.pop("rows").items() if count}
    for name, value in found.items():
        said = ", ".join(value) or "none" if isinstance(value, list) else value
        console.print(f"[bold]{name.replace('_', ' '):<16}[/bold]  {said or '-'}", soft_wrap=True)
    table = plain_table("table", "rows")
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    console.print(table)


@app.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="A new file; a dated one in the home if not said.")
    ] = None,
    keep: Annotated[
        int, typer.Option(min=0, help="Delete all dated backups in the home but so many; 0 deletes none.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Copy the store into one file, for its owner only, while runs go on.

    The key is not in it: see keep-key. Example: capstan store backup /mnt/backups/store-monday.sqlite
    """
    from tasks.storekeeping import keep_backup

    path, made = keep_backup(file, now=datetime.now(UTC), keep=keep)
    _tell(
        {"file": str(path), "version": made.version, "key": made.key, "rows": sum(made.rows.values())},
        as_json,
    )


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup that `capstan store backup` made.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of all that the store holds; that is backed up first.

    Messages are stopped until `capstan messages resume`, because what was sent since is not known any more.
    It goes from SQLite to PostgreSQL and back, too. Example: capstan store restore store-monday.sqlite
    """
    from tasks.storekeeping import put_back

    if not yes:
        typer.confirm("All that the store holds now is replaced by the backup. Go on?", abort=True)
    found, kept = put_back(file, now=datetime.now(UTC))
    told = {"file": str(file), "made_at": found.made_at.isoformat(), "version": found.version}
    _tell({**told, "rows": sum(found.rows.values()), "replaced": str(kept or "an empty store")}, as_json)


@app.command()
def migrate(
    to: Annotated[
        str | None, typer.Option("--to", help="A version, such as 0008; the newest one if not said.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Bring the store's tables to the version of this Capstan, or back to that of an older one.

    The store is backed up first; going back takes away what the older version does not know.
    Example: capstan store migrate --to 0008
    """
    from tasks.storekeeping import move_store

    before, after, kept = move_store(to, now=datetime.now(UTC))
    _tell({"before": before, "version": after, "backup": str(kept or "not needed")}, as_json)


@app.command("keep-key")
def keep_key(
    file: Annotated[Path, typer.Argument(help="A new file, elsewhere than the store and its backups.")],
    as_json: AsJson = False,
) -> None:
    """Copy the key to another place, for its owner only; without it no backup can be read.

    Example: capstan store keep-key /media/safe/capstan.key
    """
    from tasks.storekeeping import copy_key

    _tell({"file": str(file), "key": copy_key(file, now=datetime.now(UTC))}, as_json)


def _tell(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        console.print(f"[bold]{name.replace('_', ' '):<10}[/bold]  {value}", soft_wrap=True)
