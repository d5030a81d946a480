"""The file repository: folders, and which files are in them."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS folder (
    folder_id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER, parent_id INTEGER NOT NULL,
    name TEXT NOT NULL, group_id INTEGER, role_id INTEGER
);
CREATE TABLE IF NOT EXISTS repository_file (
    doc_id INTEGER PRIMARY KEY, project_id INTEGER, folder_id INTEGER NOT NULL,
    deleted TEXT NOT NULL DEFAULT ''
);
"""
TOP = 0


class Folder(NamedTuple):
    """One folder; group and role are those to which it is restricted."""

    folder_id: int
    parent_id: int
    name: str
    group_id: int | None
    role_id: int | None


class Shelved(NamedTuple):
    """Where a document is."""

    doc_id: int
    folder_id: int
    name: str


class Repository:
    """Folders and files of each project; the top is folder 0, which is never stored."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def add_folder(self, project_id: int, folder: Folder) -> int:
        """Keep a folder; returns its number."""
        cursor = self._db.execute(
            "INSERT INTO folder (project_id, parent_id, name, group_id, role_id) VALUES (?, ?, ?, ?, ?)",
            (project_id, *folder[1:]),
        )
        return int(cursor.lastrowid or 0)

    def folders(self, project_id: int) -> dict[int, Folder]:
        """Return all folders by number."""
        rows = self._db.execute(
            "SELECT folder_id, parent_id, name, group_id, role_id FROM folder WHERE project_id = ?",
            (project_id,),
        )
        return {row[0]: Folder(*row) for row in rows}

    def add_file(self, project_id: int, doc_id: int, *, folder_id: int) -> None:
        self._db.execute(
            "INSERT INTO repository_file (doc_id, project_id, folder_id) VALUES (?, ?, ?)",
            (doc_id, project_id, folder_id),
        )

    def files(self, project_id: int) -> dict[int, Shelved]:
        """Return the files that are not in the recycle bin, by document id."""
        rows = self._db.execute(
            "SELECT doc_id, folder_id, name FROM repository_file JOIN file USING (doc_id)"
            " WHERE repository_file.project_id = ? AND deleted = ''",
            (project_id,),
        )
        return {row[0]: Shelved(*row) for row in rows}

    def recycle(self, doc_id: int, at: str) -> None:
        """Put a file into the recycle bin, where no method of the API sees it."""
        self._db.execute("UPDATE repository_file SET deleted = ? WHERE doc_id = ?", (at, doc_id))
