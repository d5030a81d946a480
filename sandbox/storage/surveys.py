"""Survey participants with their links and codes, and the links of survey queues."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS participant (
    participant_id INTEGER PRIMARY KEY AUTOINCREMENT, project_id INTEGER, event_id INTEGER, instrument TEXT,
    record TEXT, instance INTEGER, email TEXT, identifier TEXT, invited_at TEXT,
    link TEXT UNIQUE, access_code TEXT UNIQUE, return_code TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS participant_of_record
    ON participant (project_id, event_id, instrument, record, instance) WHERE record <> '';
CREATE TABLE IF NOT EXISTS survey_queue (
    project_id INTEGER, record TEXT, link TEXT UNIQUE, PRIMARY KEY (project_id, record)
);
"""
# Without letters and digits that people take for one another; 32, so that every byte will do.
_ALPHABET = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LETTER_OF_BYTE = _ALPHABET * (256 // len(_ALPHABET))
LINK_LENGTH, ACCESS_LENGTH, RETURN_LENGTH = 16, 9, 8
_COLUMNS = (
    "participant_id, project_id, event_id, instrument, record, instance, email, identifier, invited_at,"
    " link, access_code, return_code"
)
_INSERT = (
    "INSERT OR IGNORE INTO participant"
    " (project_id, event_id, instrument, record, instance, email, identifier, invited_at,"
    " link, access_code, return_code) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
)


class Participant(NamedTuple):
    """One person's way into one survey; `record` is '' until they answer or are known."""

    participant_id: int
    project_id: int
    event_id: int
    instrument: str
    record: str
    instance: int
    email: str
    identifier: str
    invited_at: str
    link: str
    access_code: str
    return_code: str


class Surveys:
    """Links and codes: random, unguessable, and the same each time one asks."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def invite(
        self, project_id: int, event_id: int, *, instrument: str, email: str, identifier: str, invited_at: str
    ) -> Participant:
        """Add a participant who has no record yet."""
        about = (project_id, event_id, instrument, "", 1, email, identifier, invited_at)
        cursor = self._db.execute(_INSERT, (*about, *_codes()))
        return self._one("participant_id = ?", (cursor.lastrowid,))

    def of_record(
        self, project_id: int, event_id: int, *, instrument: str, record: str, instance: int
    ) -> Participant:
        """Return a record's participant, made when it is first asked for."""
        place = (project_id, event_id, instrument, record, instance)
        self._add([place])
        return self._one("project_id=? AND event_id=? AND instrument=? AND record=? AND instance=?", place)

    def of_survey(
        self, project_id: int, event_id: int, *, instrument: str, known: Iterable[tuple[str, int]]
    ) -> list[Participant]:
        """Return everybody of one survey; the `known` records and instances are added where missing."""
        survey = (project_id, event_id, instrument)
        where = "project_id=? AND event_id=? AND instrument=? ORDER BY participant_id"
        found = self._select(where, survey)
        there = {(one.record, one.instance) for one in found}
        missing = [(*survey, *place) for place in known if place not in there]
        if not missing:
            return found
        self._add(missing)
        return self._select(where, survey)

    def by_link(self, link: str) -> Participant | None:
        found = self._select("link = ?", (link,))
        return found[0] if found else None

    def join(self, participant_id: int, record: str) -> None:
        """Give a participant the record that their answers made."""
        self._db.execute(
            "UPDATE participant SET record = ? WHERE participant_id = ?", (record, participant_id)
        )

    def queue_link(self, project_id: int, record: str) -> str:
        """Return the link of a record's survey queue."""
        new = random_text(LINK_LENGTH)
        self._db.execute("INSERT OR IGNORE INTO survey_queue VALUES (?, ?, ?)", (project_id, record, new))
        row = self._db.execute(
            "SELECT link FROM survey_queue WHERE project_id = ? AND record = ?", (project_id, record)
        ).fetchone()
        return str(row[0])

    def by_queue_link(self, link: str) -> tuple[int, str] | None:
        """Return the project and the record of a queue's link."""
        found = self._db.execute("SELECT project_id, record FROM survey_queue WHERE link = ?", (link,))
        row = found.fetchone()
        return None if row is None else (int(row[0]), str(row[1]))

    def rename_record(self, project_id: int, old: str, *, new: str, event_ids: Sequence[int]) -> None:
        """Let the links of a record follow it to its new name."""
        self._db.executemany(
            "UPDATE OR REPLACE participant SET record=? WHERE project_id=? AND record=? AND event_id=?",
            [(new, project_id, old, event_id) for event_id in event_ids],
        )
        self._db.execute(
            "UPDATE OR REPLACE survey_queue SET record=? WHERE project_id=? AND record=?",
            (new, project_id, old),
        )

    def forget_missing_records(self, project_id: int) -> None:
        """Drop the links of records that have no values any more."""
        stored = "(SELECT record FROM row WHERE project_id = ?)"
        for table in ("participant", "survey_queue"):
            self._db.execute(
                f"DELETE FROM {table} WHERE project_id = ? AND record <> '' AND record NOT IN {stored}",
                (project_id, project_id),
            )

    def _add(self, places: Sequence[tuple[int, int, str, str, int]]) -> None:
        self._db.executemany(_INSERT, [(*place, "", "", "", *_codes()) for place in places])

    def _one(self, where: str, values: tuple[object, ...]) -> Participant:
        return self._select(where, values)[0]

    def _select(self, where: str, values: tuple[object, ...]) -> list[Participant]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM participant WHERE {where}", values)
        return [Participant(*row) for row in rows]


def random_text(length: int) -> str:
    """Return text that nobody can guess."""
    return secrets.token_bytes(length).translate(_LETTER_OF_BYTE).decode()


def _codes() -> tuple[str, str, str]:
    return random_text(LINK_LENGTH), random_text(ACCESS_LENGTH), random_text(RETURN_LENGTH)
