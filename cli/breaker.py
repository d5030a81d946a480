"""`capstan breaker`: the REDCap hosts that do not answer, and how a person lets runs ask them again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capstan.errors import UsageError
from cli.running import AsJson
from cli.showing import console, plain_table, print_json

if TYPE_CHECKING:
    from capstan.store import Breaker

app = typer.Typer(no_args_is_help=True, help="REDCap hosts that do not answer, for which runs are put off.")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the REDCap hosts that ever failed, whether runs are put off, and when one tries again.

    Example: capstan breaker list
    """
    from capstan.store import list_breakers
    from cli.stores import open_store_here

    with open_store_here() as store:
        found = list_breakers(store)
    if as_json:
        print_json({"breakers": [_told(one) for one in found]})
        return
    table = plain_table("host", "state", "since (UTC)", "tried again (UTC)", "put off", whole=("host",))
    for one in found:
        last = one.closed_at if one.state.value == "closed" else one.opened_at
        again = "by nobody, close it" if one.is_open and one.is_ban else _time(one.try_at)
        table.add_row(one.host, _state(one), _time(last), again, f"{one.put_off:,}")
    console.print(table if found else "Every REDCap host has always answered.")


@app.command()
def close(host: Annotated[str, typer.Argument(help="The host, as `capstan breaker list` shows it.")]) -> None:
    """Let runs ask a REDCap host again at once, such as when its administrator has lifted a ban.

    Example: capstan breaker close redcap.example.org
    """
    from capstan.store import close_breaker
    from cli.stores import open_store_here

    with open_store_here() as store:
        is_closed = close_breaker(store, host.lower(), now=datetime.now(UTC))
    if not is_closed:
        raise UsageError(f"Nothing keeps runs from {host}; `capstan breaker list` shows what does.")
    console.print(f"Runs ask {host.lower()} again.")


def _state(one: Breaker) -> str:
    return "banned" if one.is_open and one.is_ban else one.state.value


def _told(one: Breaker) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(one).items()
    }


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""
