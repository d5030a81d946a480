"""The command line starts without waiting for what the command does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_MODULES = ("pandas", "sqlalchemy", "requests", "prefect")


def loaded(home: Path, *words: str) -> set[str]:
    """Which of the large modules a process has loaded after a command."""
    code = (
        "import sys\nfrom cli.main import main\n"
        f"sys.argv = ['capstan', *{words!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded', *(name for name in {_MODULES!r} if name in sys.modules))"
    )
    environment = {"CAPSTAN_HOME": str(home), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("words", [("--help",), ("plan", "--help"), ("journal", "--help")])
def test_help_loads_none_of_the_large_modules(words: tuple[str, ...], tmp_path: Path) -> None:
    found = loaded(tmp_path, *words)

    assert found == set()


def test_the_list_of_plans_is_read_without_prefect(tmp_path: Path) -> None:
    found = loaded(tmp_path, "plan", "list")

    assert "sqlalchemy" in found
    assert "prefect" not in found
