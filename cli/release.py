"""`capstan release`: a new version in a folder of its own, and back to the former one in one command."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.running import AsJson
from cli.showing import console, print_json

if TYPE_CHECKING:
    from tasks.releasing.changing import Way

app = typer.Typer(
    no_args_is_help=True, help="A new version of Capstan beside the old one, without losing a run; and back."
)
Root = Annotated[
    Path, typer.Option("--root", help="The folder of releases; services run from its link `current`.")
]
Studies = Annotated[
    list[str], typer.Option("--study", "-s", help="A study that is deployed; all without one. Repeat it.")
]
Pool = Annotated[str, typer.Option(help="The work pool of the deployments.")]
Restart = Annotated[
    str, typer.Option(help="A command that restarts worker and receiver, such as `systemctl restart ...`.")
]
Wait = Annotated[int, typer.Option(min=0, help="How many minutes runs that have begun may take to end.")]


@app.command()
def make(
    source: Annotated[str, typer.Argument(help="Where to clone from: an address of git, or a folder.")],
    root: Root,
    ref: Annotated[str, typer.Option(help="A tag, branch or commit; the newest without it.")] = "",
    setup: Annotated[str, typer.Option(help="The command that sets a clone up.")] = "make setup",
    study: Studies = [],  # noqa: B006 - typer reads the default, nothing changes it
    pool: Pool = "capstan",
    restart: Restart = "",
    wait: Wait = 30,
    keep: Annotated[int, typer.Option(min=2, help="How many releases stay.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Clone and set up a version, then switch to it: pause, drain, back up, migrate, deploy, resume.

    Until the switch, and when it is cut off, the former release goes on.
    Example: capstan release make https://git.example.org/capstan.git --root /srv/capstan --ref v1.2
    """
    from tasks.releasing.changing import change_to, recover
    from tasks.releasing.place import Place
    from tasks.releasing.preparing import prepare

    place, way = Place(root.absolute()), _way(study, pool=pool, restart=restart, wait=wait)
    with place.held():
        recover(place, way=way)
        place.clear(keep=keep)
        before = place.current()
        name = prepare(place, source, ref=ref, setup=setup, now=datetime.now(UTC))
        change_to(place, name, way=way)
    _tell(before, name, as_json=as_json)


@app.command()
def rollback(
    root: Root,
    to: Annotated[str, typer.Option("--to", help="A release; the one before the present without it.")] = "",
    study: Studies = [],  # noqa: B006 - typer reads the default, nothing changes it
    pool: Pool = "capstan",
    restart: Restart = "",
    wait: Wait = 30,
    as_json: AsJson = False,
) -> None:
    """Go back to the former release; the store goes back to its version, with all that this one knows.

    Example: capstan release rollback --root /srv/capstan
    """
    from capstan.errors import UsageError
    from tasks.releasing.changing import change_to, recover
    from tasks.releasing.place import Place

    place, way = Place(root.absolute()), _way(study, pool=pool, restart=restart, wait=wait)
    with place.held():
        recover(place, way=way)
        before, name = place.current(), to or place.former()
        if name not in place.names():
            raise UsageError(f"There is no release {name} in {root}; there are {', '.join(place.names())}.")
        change_to(place, name, way=way)
    _tell(before, name, as_json=as_json)


@app.command("recover")
def recover_command(
    root: Root,
    study: Studies = [],  # noqa: B006 - typer reads the default, nothing changes it
    pool: Pool = "capstan",
    restart: Restart = "",
    watch: Annotated[bool, typer.Option("--watch", hidden=True)] = False,
) -> None:
    """Go back from a release or rollback that was cut off, such as by a power cut; else do nothing.

    Let the worker's service run it before it starts. Example: capstan release recover --root /srv/capstan
    """
    from tasks.releasing.changing import recover
    from tasks.releasing.place import Place

    if watch:
        # Ends when the process that changes, and all that it started, are gone.
        sys.stdin.buffer.read()
    place = Place(root.absolute())
    if place.read_change() is None:
        return
    with place.held(wait=watch):
        is_done = recover(place, way=_way(study, pool=pool, restart=restart, wait=0))
    if is_done:
        typer.echo(f"capstan: went back to release {place.current() or 'none'}", err=True)


@app.command("list")
def list_command(root: Root, as_json: AsJson = False) -> None:
    """List the releases, newest first, and say which is the present one.

    Example: capstan release list --root /srv/capstan
    """
    from tasks.releasing.place import Place

    place = Place(root.absolute())
    current, change = place.current(), place.read_change()
    if as_json:
        print_json({"current": current, "releases": [*place.names()], "is_changing": change is not None})
        return
    for name in reversed(place.names()):
        console.print(f"{name}{'  [green]current[/green]' if name == current else ''}")
    if change is not None:
        console.print(f"[yellow]a change to {change.after} has begun and not ended[/yellow]")


def _way(study: list[str], *, pool: str, restart: str, wait: int) -> Way:
    from capstan.errors import UsageError
    from tasks.releasing.changing import Way

    if not os.environ.get("CAPSTAN_HOME"):
        raise UsageError("Set CAPSTAN_HOME to the home of the worker: each release has a folder of its own.")
    return Way(tuple(study), pool=pool, restart=restart, wait=timedelta(minutes=wait))


def _tell(before: str, after: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"before": before, "release": after})
    else:
        typer.echo(f"release {after} is the present one{f', before it {before}' if before else ''}")
