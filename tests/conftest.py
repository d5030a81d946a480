"""What tests of every folder share: a served sandbox for each module, and a PostgreSQL for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from postgres_server import Postgres

    from sandbox.server import Running


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    # Most unit tests need no sandbox, so only those that do import it.
    from sandbox.server import Running

    with Running() as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    from postgres_server import serving_postgres

    with serving_postgres() as running:
        yield running


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database of a real PostgreSQL."""
    with postgres.new_database() as url:
        yield url
