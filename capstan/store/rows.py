"""What callers get of the store's rows: frozen values, without participants' data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from capstan.store.states import OPEN_STATES, Action, BatchState, RunKind, RunState


@dataclass(frozen=True)
class Run:
    """One run of a flow for a study; times are aware, in UTC.

    `owner` says which process holds an open run. Functions that change a run compare it with the
    store's, so a value from before somebody else adopted the run can change nothing any more. `about` is
    what its page tells of it: versions, digests, times of its steps, cells by field and by event.
    """

    id: str
    study: str
    flow: str
    kind: RunKind
    reverts: str | None
    state: RunState
    decision: str | None
    project_id: int
    host: str
    plan_digest: str | None
    dry_run: bool
    started_at: datetime
    ended_at: datetime | None
    counts: Mapping[str, int]
    note: str
    owner: str
    heartbeat_at: datetime
    purged_at: datetime | None
    basis: Mapping[str, Any] | None
    about: Mapping[str, Any] | None
    expires_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN_STATES


@dataclass(frozen=True)
class Batch:
    """One step of a run that writes: what it does, how many cells and rows, and how far it came."""

    run_id: str
    number: int
    action: Action
    state: BatchState
    cells: int
    rows: int
    overwrite: bool
    journaled_at: datetime
    sent_at: datetime | None
    finished_at: datetime | None


def to_run(row: RowMapping) -> Run:
    """Make a Run of a row of the table `run`."""
    kind, state = RunKind(row["kind"]), RunState(row["state"])
    return Run(**{**row, "kind": kind, "state": state, "counts": dict(row["counts"])})


def to_batch(row: RowMapping) -> Batch:
    """Make a Batch of a row of the table `batch`."""
    action, state = Action(row["action"]), BatchState(row["state"])
    return Batch(**{**row, "action": action, "state": state})


@dataclass(frozen=True)
class Approval:
    """A person's yes to a held plan; `used_by` is the id of the run that applied it."""

    run_id: str
    by: str
    reason: str
    approved_at: datetime
    expires_at: datetime
    used_by: str | None
