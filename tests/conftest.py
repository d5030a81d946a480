"""What tests of every folder share: a served sandbox, one for each module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sandbox.server import Running


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    # Most unit tests need no sandbox, so only those that do import it.
    from sandbox.server import Running

    with Running() as running:
        yield running
