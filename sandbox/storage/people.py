"""Users of projects with their rights."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS member (
    project_id INTEGER, username TEXT, body TEXT NOT NULL, PRIMARY KEY (project_id, username)
);
"""


class People:
    """Who belongs to a project; what a body holds is `sandbox.rights.Member`'s concern."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def save(self, project_id: int, username: str, *, body: dict[str, Any]) -> None:
        self._db.execute(
            "INSERT INTO member VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
            (project_id, username, json.dumps(body)),
        )

    def members(self, project_id: int) -> dict[str, dict[str, Any]]:
        """Return the bodies of all users by name, in the order they were added."""
        rows = self._db.execute(
            "SELECT username, body FROM member WHERE project_id = ? ORDER BY rowid", (project_id,)
        )
        return {name: json.loads(body) for name, body in rows}

    def delete(self, project_id: int, username: str) -> None:
        self._db.execute("DELETE FROM member WHERE project_id = ? AND username = ?", (project_id, username))
