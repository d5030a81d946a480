"""The clone: the folder that is deployed, its version, and its Python. A step of `prefect deploy`."""

from __future__ import annotations

import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path


def describe_clone() -> dict[str, str]:
    """The present folder, its version (what git calls it, else the package's), and what runs a flow in it."""
    folder = Path.cwd()
    return {
        "directory": str(folder),
        "version": _git_version(folder) or version("capstan"),
        "engine": shlex.join([sys.executable, "-m", "prefect.engine"]),
    }


def _git_version(folder: Path) -> str:
    command = ("git", "describe", "--tags", "--always", "--dirty")
    try:
        told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
