"""Serves the sandbox from a terminal: python -m sandbox --port 0 --state DIR."""

from __future__ import annotations

import argparse

from sandbox.server import serve
from sandbox.state import DEFAULT_VERSION


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="sandbox", description="Serve a stand-in for REDCap on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", default=None, help="folder that keeps projects and data over a restart")
    parser.add_argument("--version", default=DEFAULT_VERSION, help="REDCap version to behave as")
    options = parser.parse_args()
    serve(options.port, state_dir=options.state, version=options.version)


if __name__ == "__main__":
    main()
