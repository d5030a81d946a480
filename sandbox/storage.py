"""Everything the sandbox keeps, in SQLite: in memory, or in a folder so that a restart keeps it."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.model import Project, RowKey, from_document, to_document

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS project (project_id INTEGER PRIMARY KEY, structure TEXT NOT NULL, deleted INTEGER);
CREATE TABLE IF NOT EXISTS token (token TEXT PRIMARY KEY, project_id INTEGER, username TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS member (
    project_id INTEGER, username TEXT, body TEXT NOT NULL, PRIMARY KEY (project_id, username)
);
CREATE TABLE IF NOT EXISTS value (
    project_id INTEGER, record TEXT, event_id INTEGER, instrument TEXT, instance INTEGER,
    field TEXT, code TEXT, value TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (project_id, record, event_id, instrument, instance, field, code)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pseudo (
    project_id INTEGER, record TEXT, event_id INTEGER, instrument TEXT, instance INTEGER,
    name TEXT, value TEXT NOT NULL,
    PRIMARY KEY (project_id, record, event_id, instrument, instance, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record_group (
    project_id INTEGER, record TEXT, group_id INTEGER NOT NULL, PRIMARY KEY (project_id, record)
);
CREATE TABLE IF NOT EXISTS file (
    doc_id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER, name TEXT, mime TEXT, content BLOB
);
CREATE TABLE IF NOT EXISTS log (
    log_id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER, at TEXT NOT NULL, username TEXT,
    kind TEXT, action TEXT, details TEXT, record TEXT
);
CREATE INDEX IF NOT EXISTS log_by_project ON log (project_id, at);
"""


RowCells = tuple[RowKey, dict[str, str]]
RowValues = tuple[RowKey, list[tuple[int, str, str, str]]]


def item(field: str, code: str) -> str:
    """Return how `Store.cells` names a value."""
    return f"{field}\x1f{code}"


class Change(NamedTuple):
    """One stored value to write, or to delete when `value` is ''."""

    key: RowKey
    field: str
    code: str
    value: str


class LogRow(NamedTuple):
    """One row of a project's log; `kind` is one of the log export's types."""

    at: str
    username: str
    kind: str
    action: str
    details: str
    record: str


class Store:
    """One SQLite connection; every caller holds the server's lock."""

    def __init__(self, state_dir: Path | None = None) -> None:
        if state_dir is not None:
            state_dir.mkdir(parents=True, exist_ok=True)
        target = ":memory:" if state_dir is None else str(state_dir / "redcap.sqlite3")
        self._db = sqlite3.connect(target, check_same_thread=False, isolation_level=None)
        # A crash may lose the last request, which a sandbox can afford; waiting for the disk it cannot.
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + SCHEMA)
        self._projects: dict[int, Project] = {}

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            self._projects.clear()
            raise
        self._db.execute("COMMIT")

    def meta(self, name: str, default: str = "") -> str:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return default if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def next_id(self) -> int:
        """Number events, access groups and projects from one series."""
        number = int(self.meta("next_id", "1"))
        self.set_meta("next_id", str(number + 1))
        return number

    def super_token(self) -> str:
        token = self.meta("super_token")
        if not token:
            token = secrets.token_hex(32).upper()
            self.set_meta("super_token", token)
        return token

    # Projects and people.

    def save_project(self, project: Project) -> None:
        self._projects[project.project_id] = project
        self._db.execute(
            "INSERT OR REPLACE INTO project VALUES (?, ?, 0)",
            (project.project_id, json.dumps(to_document(project))),
        )

    def project(self, project_id: int) -> Project | None:
        """Return the project, or None when it was deleted or never was."""
        if project_id in self._projects:
            return self._projects[project_id]
        row = self._db.execute(
            "SELECT structure FROM project WHERE project_id = ? AND deleted = 0", (project_id,)
        ).fetchone()
        if row is None:
            return None
        self._projects[project_id] = from_document(json.loads(row[0]))
        return self._projects[project_id]

    def project_ids(self) -> list[int]:
        rows = self._db.execute("SELECT project_id FROM project WHERE deleted = 0 ORDER BY project_id")
        return [row[0] for row in rows]

    def delete_project(self, project_id: int) -> None:
        self._projects.pop(project_id, None)
        self._db.execute("UPDATE project SET deleted = 1 WHERE project_id = ?", (project_id,))

    def add_token(self, token: str, project_id: int, *, username: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO token VALUES (?, ?, ?)", (token, project_id, username))

    def token_owner(self, token: str) -> tuple[int, str] | None:
        row = self._db.execute("SELECT project_id, username FROM token WHERE token = ?", (token,)).fetchone()
        return None if row is None else (int(row[0]), str(row[1]))

    def save_member(self, project_id: int, username: str, *, body: dict[str, Any]) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO member VALUES (?, ?, ?)", (project_id, username, json.dumps(body))
        )

    def members(self, project_id: int) -> dict[str, dict[str, Any]]:
        rows = self._db.execute(
            "SELECT username, body FROM member WHERE project_id = ? ORDER BY rowid", (project_id,)
        )
        return {name: json.loads(body) for name, body in rows}

    def delete_member(self, project_id: int, username: str) -> None:
        self._db.execute("DELETE FROM member WHERE project_id = ? AND username = ?", (project_id, username))

    # Data.

    def cells(self, project_id: int, records: Sequence[str] | None = None) -> Iterator[RowCells]:
        """Yield every row with its values by `item`; a checked option has the value 1."""
        what = "json_group_object(field || char(31) || code, CASE code WHEN '' THEN value ELSE '1' END)"
        for record, event_id, instrument, instance, found in self._grouped(what, project_id, records=records):
            yield RowKey(record, event_id, instrument, instance), json.loads(found)

    def values(self, project_id: int, records: Sequence[str] | None = None) -> Iterator[RowValues]:
        """Yield every row with its values as (seq, field, code, value), in no order."""
        what = "json_group_array(json_array(seq, field, code, value))"
        for record, event_id, instrument, instance, found in self._grouped(what, project_id, records=records):
            yield RowKey(record, event_id, instrument, instance), json.loads(found)

    def _grouped(
        self, what: str, project_id: int, *, records: Sequence[str] | None
    ) -> Iterable[tuple[Any, ...]]:
        # SQLite makes one text of a row's values several times faster than Python takes them one by one.
        key = "record, event_id, instrument, instance"
        head, tail = f"SELECT {key}, {what} FROM value WHERE project_id = ?", f" GROUP BY {key}"
        if records is None:
            return self._db.execute(head + tail, (project_id,))
        one = head + " AND record = ?" + tail
        return chain.from_iterable(self._db.execute(one, (project_id, record)) for record in records)

    def record_names(self, project_id: int) -> set[str]:
        rows = self._db.execute("SELECT DISTINCT record FROM value WHERE project_id = ?", (project_id,))
        return {row[0] for row in rows}

    def apply(self, project_id: int, changes: Iterable[Change]) -> None:
        """Write and delete values; a value keeps its place in storage order when it changes."""
        seq = int(self.meta("seq", "1"))
        writes: list[tuple[Any, ...]] = []
        deletes: list[tuple[Any, ...]] = []
        for key, field, code, value in changes:
            if value:
                writes.append((project_id, *key, field, code, value, seq))
                seq += 1
            else:
                deletes.append((project_id, *key, field, code))
        self._db.executemany(
            "INSERT INTO value VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET value = excluded.value",
            writes,
        )
        self._db.executemany(
            "DELETE FROM value WHERE project_id=? AND record=? AND event_id=? AND instrument=?"
            " AND instance=? AND field=? AND code=?",
            deletes,
        )
        self.set_meta("seq", str(seq))

    def delete_rows(self, project_id: int, keys: Iterable[RowKey], *, fields: Sequence[str] = ()) -> None:
        """Delete whole rows, or only some fields of them."""
        where = "WHERE project_id=? AND record=? AND event_id=? AND instrument=? AND instance=?"
        rows = [(project_id, *key) for key in keys]
        if fields:
            marks = ",".join("?" * len(fields))
            self._db.executemany(
                f"DELETE FROM value {where} AND field IN ({marks})", [(*row, *fields) for row in rows]
            )
            return
        self._db.executemany(f"DELETE FROM value {where}", rows)
        self._db.executemany(f"DELETE FROM pseudo {where}", rows)

    def delete_events(self, project_id: int, event_ids: Iterable[int]) -> None:
        for event_id in event_ids:
            for name in ("value", "pseudo"):
                self._db.execute(
                    f"DELETE FROM {name} WHERE project_id=? AND event_id=?", (project_id, event_id)
                )

    def rename_record(
        self, project_id: int, old: str, *, new: str, event_ids: Sequence[int], id_field: str
    ) -> None:
        """Give a record another name in some events; what is left of it keeps the old one."""
        for event_id in event_ids:
            where = (project_id, old, event_id)
            for name in ("value", "pseudo"):
                self._db.execute(
                    f"UPDATE {name} SET record=? WHERE project_id=? AND record=? AND event_id=?",
                    (new, *where),
                )
            self._db.execute(
                "UPDATE value SET value=? WHERE project_id=? AND record=? AND event_id=? AND field=?",
                (new, project_id, new, event_id, id_field),
            )
        group_id = self.groups(project_id).get(old)
        if group_id is not None:
            self.set_group(project_id, new, group_id=group_id)
        self.forget_groups_of_missing_records(project_id)

    def forget_groups_of_missing_records(self, project_id: int) -> None:
        self._db.execute(
            "DELETE FROM record_group WHERE project_id = ? AND record NOT IN"
            " (SELECT record FROM value WHERE project_id = ?)",
            (project_id, project_id),
        )

    def pseudo(self, project_id: int) -> dict[RowKey, dict[str, str]]:
        """Survey timestamps and identifiers by row."""
        found: dict[RowKey, dict[str, str]] = {}
        rows = self._db.execute(
            "SELECT record, event_id, instrument, instance, name, value FROM pseudo WHERE project_id = ?",
            (project_id,),
        )
        for *key, name, value in rows:
            found.setdefault(RowKey(*key), {})[name] = value
        return found

    def set_pseudo(self, project_id: int, values: dict[tuple[RowKey, str], str]) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO pseudo VALUES (?,?,?,?,?,?,?)",
            [(project_id, *key, name, value) for (key, name), value in values.items()],
        )

    def groups(self, project_id: int) -> dict[str, int]:
        """Access group ids by record."""
        return dict(
            self._db.execute("SELECT record, group_id FROM record_group WHERE project_id = ?", (project_id,))
        )

    def set_group(self, project_id: int, record: str, *, group_id: int | None) -> None:
        """Assign a record to an access group, or to none."""
        if group_id is None:
            self._db.execute(
                "DELETE FROM record_group WHERE project_id = ? AND record = ?", (project_id, record)
            )
        else:
            self._db.execute(
                "INSERT OR REPLACE INTO record_group VALUES (?, ?, ?)", (project_id, record, group_id)
            )

    def add_file(self, project_id: int, name: str, *, mime: str, content: bytes) -> int:
        cursor = self._db.execute(
            "INSERT INTO file (project_id, name, mime, content) VALUES (?, ?, ?, ?)",
            (project_id, name, mime, content),
        )
        return int(cursor.lastrowid or 0)

    def file_names(self, project_id: int) -> dict[str, str]:
        rows = self._db.execute("SELECT doc_id, name FROM file WHERE project_id = ?", (project_id,))
        return {str(doc_id): name for doc_id, name in rows}

    def file(self, doc_id: str) -> tuple[str, str, bytes] | None:
        """Return name, mime type and bytes."""
        row = self._db.execute("SELECT name, mime, content FROM file WHERE doc_id = ?", (doc_id,)).fetchone()
        return None if row is None else (row[0], row[1], row[2])

    # Log.

    def add_log(self, project_id: int, rows: Iterable[LogRow]) -> None:
        self._db.executemany(
            "INSERT INTO log (project_id, at, username, kind, action, details, record)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(project_id, *row) for row in rows],
        )

    def log(self, project_id: int) -> list[LogRow]:
        """Return the log, newest first."""
        rows = self._db.execute(
            "SELECT at, username, kind, action, details, record FROM log WHERE project_id = ?"
            " ORDER BY at DESC, log_id DESC",
            (project_id,),
        )
        return [LogRow(*row) for row in rows]
