"""Projects and the tokens that open them."""

from __future__ import annotations

import json
import secrets
import sqlite3

from sandbox.project.model import Project
from sandbox.storage.documents import from_document, to_document

SCHEMA = """
CREATE TABLE IF NOT EXISTS project (project_id INTEGER PRIMARY KEY, structure TEXT NOT NULL, deleted INTEGER);
CREATE TABLE IF NOT EXISTS token (token TEXT PRIMARY KEY, project_id INTEGER, username TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS super_token (token TEXT PRIMARY KEY);
"""


class Projects:
    """What each project is, and who opens it with which token."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._cache: dict[int, Project] = {}

    def forget_cached(self) -> None:
        """Read projects anew; a transaction was rolled back."""
        self._cache.clear()

    def save(self, project: Project) -> None:
        self._cache[project.project_id] = project
        self._db.execute(
            "INSERT OR REPLACE INTO project VALUES (?, ?, 0)",
            (project.project_id, json.dumps(to_document(project))),
        )

    def get(self, project_id: int) -> Project | None:
        """Return the project, or None when it was deleted or never was."""
        if project_id in self._cache:
            return self._cache[project_id]
        row = self._db.execute(
            "SELECT structure FROM project WHERE project_id = ? AND deleted = 0", (project_id,)
        ).fetchone()
        if row is None:
            return None
        self._cache[project_id] = from_document(json.loads(row[0]))
        return self._cache[project_id]

    def ids(self) -> list[int]:
        rows = self._db.execute("SELECT project_id FROM project WHERE deleted = 0 ORDER BY project_id")
        return [row[0] for row in rows]

    def all(self) -> list[Project]:
        return [one for one in map(self.get, self.ids()) if one is not None]

    def delete(self, project_id: int) -> None:
        self._cache.pop(project_id, None)
        self._db.execute("UPDATE project SET deleted = 1 WHERE project_id = ?", (project_id,))

    def super_token(self) -> str:
        """Return the one token that may create projects; made when it is first asked for."""
        row = self._db.execute("SELECT token FROM super_token").fetchone()
        if row is not None:
            return str(row[0])
        token = secrets.token_hex(32).upper()
        self._db.execute("INSERT INTO super_token VALUES (?)", (token,))
        return token

    def add_token(self, token: str, project_id: int, *, username: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO token VALUES (?, ?, ?)", (token, project_id, username))

    def token_owner(self, token: str) -> tuple[int, str] | None:
        """Return the project and the user of a token."""
        row = self._db.execute("SELECT project_id, username FROM token WHERE token = ?", (token,)).fetchone()
        return None if row is None else (int(row[0]), str(row[1]))
