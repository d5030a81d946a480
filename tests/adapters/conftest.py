"""A store of each kind that the product knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from store_cases import store_url

from capstan.store import Store, load_keys


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store."""
    if request.param == "sqlite":
        return store_url(tmp_path)
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    """An empty store, open; its keys are in `tmp_path`."""
    with Store.open(url, load_keys(None, home=tmp_path)) as opened:
        yield opened
