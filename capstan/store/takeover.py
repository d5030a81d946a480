"""Finds runs whose process died, and takes them over so that they can be settled."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update

from capstan.errors import Refused
from capstan.store.connection import Store
from capstan.store.moves import own_run, reload_run, set_values
from capstan.store.owners import LEASE, current_owner, describe_owner, is_alive
from capstan.store.rows import Run, to_run
from capstan.store.states import OPEN_STATES
from capstan.store.tables import RUN, RUN_VALUES


def stale_runs(store: Store, study: str, *, now: datetime, lease: timedelta = LEASE) -> tuple[Run, ...]:
    """Open runs of a study whose process is dead, oldest first.

    A process of this host is looked up; one of another host counts as dead when its heartbeat is older
    than the lease. Settle each: `adopt_run`, look at the server, `finish_batch`, `end_run` as interrupted.
    """
    runs = _open_runs(store, study)
    return tuple(r for r in runs if not is_alive(r.owner, heartbeat_at=r.heartbeat_at, now=now, lease=lease))


def is_busy(store: Store, study: str, *, now: datetime) -> bool:
    """Whether a living process has an open run of a study, which refuses every other that may write."""
    runs = [run for run in _open_runs(store, study) if not run.dry_run]
    return any(is_alive(run.owner, heartbeat_at=run.heartbeat_at, now=now) for run in runs)


def beat(store: Store, run: Run, *, now: datetime) -> None:
    """Say that an open run's process lives; Refused when somebody else has adopted the run."""
    with store.write() as connection:
        if own_run(connection, run).is_open:
            set_values(connection, run.id, heartbeat_at=now)


def adopt_run(store: Store, run: Run, *, now: datetime, lease: timedelta = LEASE) -> Run:
    """Take over an open run whose process is dead, to settle it; Refused when it lives or is taken."""
    if is_alive(run.owner, heartbeat_at=run.heartbeat_at, now=now, lease=lease):
        raise Refused(f"Run {run.id} is alive in {describe_owner(run.owner)}. Stop that process first.")
    unchanged = (
        RUN.c.owner == run.owner,
        RUN.c.heartbeat_at == run.heartbeat_at,
        RUN.c.state.in_(OPEN_STATES),
    )
    claim = update(RUN).where(RUN.c.id == run.id, *unchanged)
    with store.write() as connection:
        claimed = connection.execute(claim.values(owner=current_owner(), heartbeat_at=now)).rowcount
    if not claimed:
        raise Refused(f"Run {run.id} was taken over or ended by another process in the meantime.")
    return reload_run(store, run.id)


def _open_runs(store: Store, study: str) -> list[Run]:
    mine = (RUN.c.study == study, RUN.c.state.in_(OPEN_STATES))
    query = select(*RUN_VALUES).where(*mine).order_by(RUN.c.started_at)
    with store.read() as connection:
        return [to_run(row) for row in connection.execute(query).mappings()]
