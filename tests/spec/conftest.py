"""Sandboxes without a network, which close when the test ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox_desk import OpenDesk, desks
from sandbox_trial import OpenTrial, trials


@pytest.fixture
def open_desk() -> Iterator[OpenDesk]:
    with desks() as opened:
        yield opened


@pytest.fixture
def opened() -> Iterator[OpenTrial]:
    with trials() as found:
        yield found
