"""The clone: the folder that is deployed, and which version it is. A step of `prefect deploy`."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path


def describe_clone() -> dict[str, str]:
    """The present folder and its version: what git calls it, else the package's version."""
    folder = Path.cwd()
    return {"directory": str(folder), "version": _git_version(folder) or version("capstan")}


def _git_version(folder: Path) -> str:
    command = ("git", "describe", "--tags", "--always", "--dirty")
    try:
        told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
