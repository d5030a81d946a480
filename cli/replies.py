"""`capstan replies`: what participants wrote, in the terminal only, and what a person decides on it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape

from cli.plans import By
from cli.running import AsJson
from cli.showing import Values, console, plain_table, print_json

app = typer.Typer(no_args_is_help=True, help="What participants wrote, and what is to be done about it.")
Sid = Annotated[str, typer.Argument(metavar="SID", help="The text's name, as the list has it.")]


class Wish(StrEnum):
    """What a person understands a reply to say."""

    STOP = "stop"
    GO_ON = "go-on"


@app.command("list")
def list_command(
    study: Annotated[str | None, typer.Option("--study", "-s", help="Only texts to this study.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 100,
    values: Values = False,
    as_json: AsJson = False,
) -> None:
    """List texts that came in, newest first; with --values also who wrote what.

    Example: capstan replies list --study demo --values
    """
    from capstan.store import list_incoming
    from cli.stores import open_store_here

    with open_store_here() as store:
        told = [_told(one, values=values) for one in list_incoming(store, study=study, limit=limit)]
    if as_json:
        print_json({"replies": told})
        return
    if values:
        for one in told:
            _print(one)
        return
    table = plain_table("sid", "received (UTC)", "meaning", "participants", whole=("sid", "received (UTC)"))
    for one in told:
        at = f"{one['received_at']:%Y-%m-%d %H:%M}"
        table.add_row(one["sid"], at, one["meaning"], str(one["participants"]))
    console.print(table if told else "Nobody wrote, or no run of check_replies has read it yet.")


@app.command()
def show(sid: Sid, values: Values = False, as_json: AsJson = False) -> None:
    """Show one text that came in; with --values also who wrote what.

    Example: capstan replies show SM0123456789abcdef0123456789abcdef --values
    """
    told = _told(_find(sid), values=values)
    if as_json:
        print_json(told)
        return
    _print(told)


@app.command()
def settle(
    sid: Sid,
    wish: Annotated[Wish, typer.Option("--as", help="What the person wants: stop or go-on.")],
    by: By,
) -> None:
    """Decide on a text that sounded like a wish to stop: it was one, or texts may go on to this phone.

    Example: capstan replies settle SM0123456789abcdef0123456789abcdef --as go-on --by "Ann Lee"
    """
    from capstan.delivery import Channel
    from capstan.errors import Refused
    from capstan.store import block_address, unblock_address
    from cli.stores import open_store_here

    sender = _find(sid).incoming.sender
    if not sender:
        raise Refused("What this text said was deleted after the study's retention.")
    now = datetime.now(UTC)
    with open_store_here() as store:
        unblock_address(store, Channel.SMS, address=sender, by=by, now=now)
        if wish is Wish.STOP:
            block_address(store, Channel.SMS, address=sender, reason="opted_out", by=by, now=now)
    console.print("nothing more is texted there" if wish is Wish.STOP else "texts may go on to this phone")


def _find(sid: str) -> Any:
    from capstan.errors import UsageError
    from capstan.store import list_incoming
    from cli.stores import open_store_here

    with open_store_here() as store:
        found = list_incoming(store, sid=sid)
    if not found:
        raise UsageError("There is no such text in this store; `capstan replies list` has all.")
    return found[0]


def _print(told: dict[str, Any]) -> None:
    at = f"{told['received_at']:%Y-%m-%d %H:%M} UTC"
    console.print(f"[bold]{told['sid']}[/bold]  {at}  {told['meaning']}")
    console.print(f"  participants with this phone: {told['participants']}")
    for name in ("sender", "text"):
        if name in told:
            console.print(f"  {name}: {escape(told[name])}")


def _told(one: Any, *, values: bool) -> dict[str, Any]:
    incoming = one.incoming
    told = {
        "sid": incoming.sid,
        "study": one.study,
        "received_at": incoming.received_at,
        "meaning": one.meaning,
        "participants": one.matches,
        "handled_at": one.handled_at,
    }
    return {**told, "sender": incoming.sender, "text": incoming.text} if values else told
