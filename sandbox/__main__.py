"""Serves the sandbox from a terminal: python -m sandbox --port 0 --state DIR."""

from __future__ import annotations

import argparse

from sandbox.server import HOST, CannotServe, serve
from sandbox.state import DEFAULT_VERSION


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="sandbox", description="Serve a stand-in for REDCap.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default=HOST, help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--smtp-port", type=int, default=0, help="port of the mail server; 0 takes a free one"
    )
    parser.add_argument("--state", default=None, help="folder that keeps projects and data over a restart")
    parser.add_argument(
        "--redcap-version", default=DEFAULT_VERSION, help="version to behave as (default: %(default)s)"
    )
    options = parser.parse_args()
    try:
        serve(
            options.port,
            options.smtp_port,
            host=options.host,
            state_dir=options.state,
            version=options.redcap_version,
        )
    except CannotServe as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
