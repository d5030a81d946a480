"""Real Prefect servers for tests: a process with a home of its own, and what others need to talk to it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from studies.demo.servers import prefect_server


@dataclass(frozen=True)
class PrefectServer:
    """A running server; `environment` is the whole environment for processes that use it."""

    pages: str
    home: Path
    environment: dict[str, str]

    def ask(self, path: str, **body: Any) -> Any:
        """Post to the server's API and return its answer."""
        answer = requests.post(f"{self.pages}/api/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def own_prefect(folder: Path) -> Iterator[PrefectServer]:
    """Start a server in a new folder; this process's own environment stays what it is."""
    folder.mkdir(parents=True, exist_ok=True)
    before = dict(os.environ)
    with prefect_server(folder) as pages:
        environment = dict(os.environ)
        os.environ.clear()
        os.environ.update(before)
        yield PrefectServer(pages, folder / "prefect", environment)


def read_tables(file: Path) -> Iterator[tuple[str, str, Any]]:
    """Every value of every table of an SQLite file, as table, column, value."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    connection.text_factory = bytes
    try:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in names:
            rows = connection.execute(f'SELECT * FROM "{table.decode()}"')
            columns = [column[0] for column in rows.description]
            for row in rows:
                yield from (
                    (table.decode(), column, value) for column, value in zip(columns, row, strict=True)
                )
    finally:
        connection.close()
