"""`capstan receiver`: answers REDCap's triggers, Twilio's callbacks and partners."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Answer REDCap's triggers, Twilio's callbacks and partners.")
MAX_PORT, MAX_WORKERS = 65535, 32


@app.callback()
def receiver() -> None:
    """Answer REDCap's triggers, Twilio's callbacks and partners."""


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen on; let only a reverse proxy with HTTPS reach it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=MAX_PORT, help="The port; 0 picks a free one.")] = 8090,
    workers: Annotated[
        int, typer.Option(min=1, max=MAX_WORKERS, help="How many processes answer; one for each core.")
    ] = 2,
) -> None:
    """Serve the receiver until it is stopped; prints one JSON line with its address when the port is taken.

    What is told is kept in the store before it is answered, and worked on by `capstan run ingest_triggers`.

    Example: capstan receiver serve --port 8090 --workers 2
    """
    import_module("receiver.serving").serve(host, port, workers=workers)
