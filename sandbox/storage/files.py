"""Uploaded files: their names, types and bytes."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS file (
    doc_id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER, name TEXT, mime TEXT, content BLOB
);
"""


class StoredFile(NamedTuple):
    """One uploaded file."""

    name: str
    mime: str
    content: bytes


class Files:
    """Files by document id, which is what a file field stores."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add(self, project_id: int, file: StoredFile) -> int:
        """Keep a file; returns its document id."""
        cursor = self._db.execute(
            "INSERT INTO file (project_id, name, mime, content) VALUES (?, ?, ?, ?)", (project_id, *file)
        )
        return int(cursor.lastrowid or 0)

    def names(self, project_id: int) -> dict[str, str]:
        """Return file names by document id."""
        rows = self._db.execute("SELECT doc_id, name FROM file WHERE project_id = ?", (project_id,))
        return {str(doc_id): name for doc_id, name in rows}

    def get(self, doc_id: str) -> StoredFile | None:
        row = self._db.execute("SELECT name, mime, content FROM file WHERE doc_id = ?", (doc_id,)).fetchone()
        return None if row is None else StoredFile(*row)
