"""Uploaded files: their names, types and bytes."""

from __future__ import annotations

import mimetypes
import re
import sqlite3
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS file (
    doc_id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER, name TEXT, mime TEXT, content BLOB
);
"""
_UNKNOWN_MIME = "application/octet-stream"
_MIME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*/[A-Za-z0-9][A-Za-z0-9.+-]*")
# Quotes and control characters would break out of the header in which a name is told.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\"]")
MAX_NAME = 255
# Only what comes with Python: what a computer has installed shall not decide.
_TYPES = mimetypes.MimeTypes()


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
        """Keep a file under a clean name; returns its document id."""
        name = clean_name(file.name)
        cursor = self._db.execute(
            "INSERT INTO file (project_id, name, mime, content) VALUES (?, ?, ?, ?)",
            (project_id, name, _clean_mime(file.mime, name), file.content),
        )
        return int(cursor.lastrowid or 0)

    def names(self, project_id: int) -> dict[str, str]:
        """Return file names by document id."""
        rows = self._db.execute("SELECT doc_id, name FROM file WHERE project_id = ?", (project_id,))
        return {str(doc_id): name for doc_id, name in rows}

    def get(self, project_id: int, doc_id: str) -> StoredFile | None:
        """Return a file of the project; a value that only looks like its number may name another's."""
        row = self._db.execute(
            "SELECT name, mime, content FROM file WHERE project_id = ? AND doc_id = ?", (project_id, doc_id)
        ).fetchone()
        return None if row is None else StoredFile(*row)

    def delete(self, project_id: int, doc_id: str) -> None:
        self._db.execute("DELETE FROM file WHERE project_id = ? AND doc_id = ?", (project_id, doc_id))


def clean_name(name: str) -> str:
    """Return a file's name without folders and without what no header can hold."""
    base = name.replace("\\", "/").rpartition("/")[2]
    plain = _UNSAFE.sub("", base).encode("utf-8", "replace").decode()
    return plain.strip()[-MAX_NAME:]


def _clean_mime(mime: str, name: str) -> str:
    told = mime.partition(";")[0].strip()
    if _MIME.fullmatch(told) and told != _UNKNOWN_MIME:
        return told
    return _TYPES.guess_type(name)[0] or _UNKNOWN_MIME
