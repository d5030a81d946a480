"""What flow tests share: one sandbox for a module, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from command_line import CommandLine
from live_study import serving_sandbox


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, Any]]:
    """Where a sandbox listens, which lives as long as the module's tests."""
    with serving_sandbox() as found:
        yield found


@pytest.fixture
def capstan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line in this process."""
    return CommandLine(monkeypatch, capsys)
