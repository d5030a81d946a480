"""Users of projects, roles, and the access groups that users may switch to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from typing import Any, NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS member (
    project_id INTEGER, username TEXT, body TEXT NOT NULL, PRIMARY KEY (project_id, username)
);
CREATE TABLE IF NOT EXISTS role (
    role_id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER, unique_name TEXT NOT NULL,
    label TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (project_id, unique_name)
);
CREATE TABLE IF NOT EXISTS group_choice (
    project_id INTEGER, username TEXT, group_id INTEGER NOT NULL,
    PRIMARY KEY (project_id, username, group_id)
);
"""


class RoleRow(NamedTuple):
    """One role; what a body holds is `sandbox.people.rights.Rights`'s concern."""

    role_id: int
    unique_name: str
    label: str
    body: dict[str, Any]


class People:
    """Who belongs to a project; what a body holds is `sandbox.people.rights.Member`'s concern."""

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

    def get(self, project_id: int, username: str) -> dict[str, Any] | None:
        row = self._db.execute(
            "SELECT body FROM member WHERE project_id = ? AND username = ?", (project_id, username)
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def set_group(self, project_id: int, username: str, *, group_id: int | None) -> None:
        """Put a user into an access group, or out of all."""
        self._db.execute(
            "UPDATE member SET body = json_set(body, '$.group_id', ?) WHERE project_id = ? AND username = ?",
            (group_id, project_id, username),
        )

    def delete(self, project_id: int, username: str) -> None:
        for table in ("member", "group_choice"):
            self._db.execute(
                f"DELETE FROM {table} WHERE project_id = ? AND username = ?", (project_id, username)
            )

    def save_role(self, project_id: int, unique_name: str, *, label: str, body: dict[str, Any]) -> None:
        self._db.execute(
            "INSERT INTO role (project_id, unique_name, label, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET label = excluded.label, body = excluded.body",
            (project_id, unique_name, label, json.dumps(body)),
        )

    def roles(self, project_id: int) -> list[RoleRow]:
        """Return the roles in the order they were made."""
        rows = self._db.execute(
            "SELECT role_id, unique_name, label, body FROM role WHERE project_id = ? ORDER BY role_id",
            (project_id,),
        )
        return [RoleRow(role_id, name, label, json.loads(body)) for role_id, name, label, body in rows]

    def delete_role(self, project_id: int, unique_name: str) -> None:
        self._db.execute(
            "DELETE FROM role WHERE project_id = ? AND unique_name = ?", (project_id, unique_name)
        )

    def set_group_choices(self, project_id: int, username: str, *, group_ids: Collection[int]) -> None:
        """Say which access groups a user may switch to; 0 stands for none."""
        where = (project_id, username)
        self._db.execute("DELETE FROM group_choice WHERE project_id = ? AND username = ?", where)
        self._db.executemany(
            "INSERT INTO group_choice VALUES (?, ?, ?)", [(*where, one) for one in group_ids]
        )

    def group_choices(self, project_id: int, username: str) -> set[int]:
        """Return the access groups that a user may switch to; 0 stands for none."""
        rows = self._db.execute(
            "SELECT group_id FROM group_choice WHERE project_id = ? AND username = ?", (project_id, username)
        )
        return {row[0] for row in rows}

    def forget_group(self, project_id: int, group_id: int) -> None:
        """Leave the users of a group that was deleted in none, and take it from everybody's choices."""
        where = (project_id, group_id)
        self._db.execute("DELETE FROM group_choice WHERE project_id = ? AND group_id = ?", where)
        self._db.execute(
            "UPDATE member SET body = json_set(body, '$.group_id', NULL)"
            " WHERE project_id = ? AND json_extract(body, '$.group_id') = ?",
            where,
        )
