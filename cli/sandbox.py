"""`capstan sandbox`: a stateful REDCap on this machine, to develop, teach and rehearse against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capstan.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="A stateful REDCap on this machine.")


@app.callback()
def sandbox() -> None:
    """A stateful REDCap on this machine."""


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="The port; 0 picks a free one.")] = 8080,
    smtp_port: Annotated[
        int | None, typer.Option(help="The port of the mail server, which is not there yet.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="A folder that keeps its state; in memory without it.")
    ] = None,
) -> None:
    """Serve the sandbox until it is stopped; prints one JSON line with its addresses when it is ready.

    Example: capstan sandbox serve --port 8080 --state .capstan/sandbox
    """
    from sandbox.server import serve as serve_sandbox

    try:
        serve_sandbox(port=port, smtp_port=smtp_port, state_dir=state)
    except OSError as error:
        told = error.strerror
    else:
        return
    raise UsageError(f"Cannot listen on port {port} ({told}); --port 0 picks a free one.")
