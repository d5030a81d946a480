"""`capstan sandbox`: a stateful REDCap on this machine, to develop, teach and rehearse against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capstan.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="A stateful REDCap on this machine.")
MAX_PORT = 65535


@app.callback()
def sandbox() -> None:
    """A stateful REDCap on this machine."""


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=MAX_PORT, help="The port; 0 picks a free one.")] = 8080,
    host: Annotated[
        str, typer.Option(help="The address to listen on; others can use all but controls and pages there.")
    ] = "127.0.0.1",
    smtp_port: Annotated[
        int,
        typer.Option(min=0, max=MAX_PORT, help="The port of the mail server; 0 picks a free one."),
    ] = 0,
    state: Annotated[
        Path | None, typer.Option(help="A folder that keeps its state; it forgets all of it without one.")
    ] = None,
    redcap_version: Annotated[str, typer.Option(help="The version of REDCap to behave as.")] = "15.2.1",
) -> None:
    """Serve the sandbox until it is stopped; prints one JSON line with its addresses when it is ready.

    Example: capstan sandbox serve --port 8080 --state .capstan/sandbox --redcap-version 13.7.3
    """
    from sandbox.server import CannotServe
    from sandbox.server import serve as serve_sandbox

    try:
        serve_sandbox(port, smtp_port, host=host, state_dir=state, version=redcap_version)
    except CannotServe as error:
        told = str(error)
    else:
        return
    raise UsageError(told)
