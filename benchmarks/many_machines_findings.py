"""What came of the trial: figures from Prefect's database, our journal, REDCap, the phones, and a search."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from leaks import search_folder, search_text
from psycopg.sql import SQL, Identifier

from benchmarks.many_machines_studies import MARK, Site, texts

_ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
_PLANTED = re.compile(rf"{MARK}|-555-0160|5550160".encode(), re.IGNORECASE)
_LATE = timedelta(seconds=60)
_PASSED = ("Late", "Crashed", "AwaitingRetry", "AwaitingConcurrencySlot")
_DUE = """
    SELECT id, state_type, state_name, expected_start_time, start_time, run_count
    FROM flow_run WHERE deployment_id IS NOT NULL AND auto_scheduled AND expected_start_time <= %s
"""
_STATES = """
    SELECT state.name, count(DISTINCT state.flow_run_id) FROM flow_run_state AS state
    JOIN flow_run ON flow_run.id = state.flow_run_id
    WHERE flow_run.auto_scheduled AND flow_run.expected_start_time <= %s GROUP BY state.name
"""
_REASONS = """
    SELECT flow.name, state.message, count(*) FROM flow_run
    JOIN flow ON flow.id = flow_run.flow_id JOIN flow_run_state AS state ON state.id = flow_run.state_id
    WHERE flow_run.auto_scheduled AND flow_run.expected_start_time <= %s
    AND flow_run.state_type IN ('FAILED', 'CRASHED') GROUP BY flow.name, state.message
"""
_GROWING = ("flow_run_state", "task_run", "task_run_state", "log", "events", "event_resources", "artifact")
# Two intervals of one study share a moment; a dry run would be in nobody's way.
_TWICE = """
    SELECT count(*) FROM run AS one JOIN run AS other ON one.study = other.study AND one.id < other.id
    WHERE NOT one.dry_run AND NOT other.dry_run AND one.started_at < other.ended_at
    AND other.started_at < one.ended_at
"""


def open_runs(database: str, *, until: datetime) -> int:
    """How many runs that were due until then have not ended."""
    with psycopg.connect(database) as connection:
        rows = connection.execute(_DUE, [until]).fetchall()
    return sum(row[1] not in _ENDED for row in rows)


def count_runs(database: str, *, until: datetime) -> dict[str, Any]:
    """The runs that were due: how they ended, how late they began, and what they went through."""
    with psycopg.connect(database) as connection:
        rows = connection.execute(_DUE, [until]).fetchall()
        passed = dict(connection.execute(_STATES, [until]).fetchall())
        reasons = connection.execute(_REASONS, [until]).fetchall()
    waits = sorted(row[4] - row[3] for row in rows if row[4])
    return {
        "due": len(rows),
        "ended": dict(Counter(row[2] for row in rows if row[1] in _ENDED)),
        "not_ended": sum(row[1] not in _ENDED for row in rows),
        "not_ended_but": dict(Counter(row[2] for row in rows if row[1] not in _ENDED)),
        "began_a_minute_late": sum(wait > _LATE for wait in waits),
        "median_wait_seconds": round(waits[len(waits) // 2].total_seconds(), 1) if waits else None,
        "began_again": sum(row[5] > 1 for row in rows),
        "passed_through": {name: count for name, count in passed.items() if name in _PASSED},
        "failed_because": {f"{flow}: {reason}": count for flow, reason, count in reasons},
    }


def measure_database(database: str) -> dict[str, float]:
    """The size of Prefect's database, and its rows for each run that began; see docs/scale.md."""
    with psycopg.connect(database) as connection:
        size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        begun = connection.execute("SELECT count(*) FROM flow_run WHERE start_time IS NOT NULL").fetchone()
        tables = SQL(" UNION ALL ").join(
            SQL("SELECT {}, count(*) FROM {}").format(name, Identifier(name)) for name in _GROWING
        )
        rows = connection.execute(tables).fetchall()
    runs = max(begun[0] if begun else 0, 1)
    per_run = {f"{name}_per_run": round(count / runs, 1) for name, count in rows}
    return {"database_mb": round(size[0] / 1e6, 1) if size else 0, "began": runs, **per_run}


def count_journal(store: str) -> dict[str, int]:
    """The runs of our journal, by state, and pairs of one study that overlapped."""
    with psycopg.connect(store) as connection:
        states = connection.execute("SELECT state, count(*) FROM run GROUP BY state").fetchall()
        twice = connection.execute(_TWICE).fetchone()
    return {f"journal_{state}": count for state, count in states} | {"overlaps": twice[0] if twice else 0}


def count_losses(sites: list[Site], addresses: dict[str, Any]) -> dict[str, int]:
    """Cells that are not as they must be, texts that are missing or came twice, texts that are not logged."""
    sent = texts(addresses, sites)
    expected = sum(len(site.arms) for site in sites)
    return {
        "dates_changed": sum(len(site.dates) for site in sites),
        "wrong_cells": sum(site.wrong_cells() for site in sites),
        "texts_expected": expected,
        "texts_missing": expected - len(sent),
        "texts_twice": sum(count > 1 for count in sent.values()),
        "texts_not_logged": len(sent) - sum(site.logged() for site in sites),
    }


def search_planted(database: str, *, folder: Path) -> list[str]:
    """Search Prefect's database, Redis as it was written down, and its files and logs for planted values.

    The studies and Capstan's homes are left out: the one has none, the others may.
    """
    found = {leak.place for leak in _search_database(database)}
    for part in sorted(folder.iterdir()):
        if part.is_file() and part.suffix == ".log":
            found |= {
                leak.place for leak in search_text(part.read_bytes(), pattern=_PLANTED, place=part.name)
            }
        elif part.name in ("redis", "server", "client"):
            found |= {leak.place for leak in search_folder(part, pattern=_PLANTED)}
        elif (part / "prefect").is_dir():
            found |= {leak.place for leak in search_folder(part / "prefect", pattern=_PLANTED)}
    return sorted(found)


def _search_database(database: str) -> set[Any]:
    leaks: set[Any] = set()
    with psycopg.connect(database) as connection:
        listed = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            " AND table_type = 'BASE TABLE'"
        ).fetchall()
        for (table,) in listed:
            rows = connection.execute(SQL("SELECT t::text FROM {} AS t").format(Identifier(table))).fetchall()
            data = "\n".join(row[0] for row in rows).encode()
            leaks |= search_text(data, pattern=_PLANTED, place=f"database {table}")
    return leaks
