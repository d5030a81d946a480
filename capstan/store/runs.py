"""Begins, moves and ends runs; a study has one open run per project at most."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pandas as pd
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from capstan.errors import Refused, StoreError
from capstan.store.connection import Store
from capstan.store.frames import check_text, take_columns
from capstan.store.moves import move_run, own_run, reload_run, set_values
from capstan.store.owners import current_owner, describe_owner, is_alive
from capstan.store.rows import Run, to_run
from capstan.store.states import OPEN_STATES, UNFINISHED_BATCHES, BatchState, RunKind, RunState
from capstan.store.tables import BATCH, RUN, RUN_VALUES
from capstan.verdict import LINK, VERDICT_COLUMNS

_NOTHING: Mapping[str, Any] = MappingProxyType({})


def begin_run(
    store: Store,
    study: str,
    *,
    flow: str,
    kind: RunKind,
    project_id: int,
    host: str,
    now: datetime,
    reverts: str | None = None,
    dry_run: bool = False,
) -> Run:
    """Open a run, owned by this process; `host` is REDCap's, `reverts` the id of the run to undo.

    Raises Refused when the study has another open run on this project, be its process alive or dead: settle
    `stale_runs` first. Dry runs, which may not journal, neither refuse nor are refused.
    """
    values: dict[str, Any] = {
        "id": f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        "study": study,
        "flow": flow,
        "kind": kind,
        "reverts": reverts,
        "state": RunState.OPEN,
        "project_id": project_id,
        "host": host,
        "dry_run": dry_run,
        "started_at": now,
        "counts": {},
        "note": "",
        "owner": current_owner(),
        "heartbeat_at": now,
    }
    if _insert(store, values):
        return reload_run(store, values["id"])
    raise _refusal(store, values, now=now)


def record_gate(
    store: Store,
    run: Run,
    *,
    decision: str,
    plan_digest: str,
    counts: Mapping[str, int],
    verdicts: pd.DataFrame,
    now: datetime,
    about: Mapping[str, Any] = _NOTHING,
) -> Run:
    """Keep what the gate said before anything is written; `verdicts` has `VERDICT_COLUMNS`, text.

    It may have the column `link`, too. Counts are added to those that the run has, and so is what there is
    to tell `about` it (JSON, free of participants' data).
    """
    with_link = verdicts if LINK in verdicts else verdicts.assign(link="")
    sealed = store.seal(take_columns(with_link, what="Verdicts", columns=(*VERDICT_COLUMNS, LINK)))
    with store.write() as connection:
        held = own_run(connection, run)
        set_values(
            connection,
            run.id,
            heartbeat_at=now,
            decision=decision,
            plan_digest=plan_digest,
            counts={**held.counts, **counts},
            verdicts=sealed,
            **_told(held, about),
        )
    return reload_run(store, run.id)


def keep_plan(store: Store, run: Run, *, plan: pd.DataFrame, now: datetime) -> None:
    """Keep the plan (text columns) of an open run that will not write it, such as a dry run."""
    check_text(plan, what="Plans")
    with store.write() as connection:
        own_run(connection, run)
        set_values(connection, run.id, heartbeat_at=now, plan=store.seal(plan))


def hold_run(
    store: Store,
    run: Run,
    *,
    plan: pd.DataFrame,
    basis: Mapping[str, Any],
    expires_at: datetime,
    note: str,
    now: datetime,
    about: Mapping[str, Any] = _NOTHING,
) -> Run:
    """End a run as held and keep its plan (text columns) for a person; `record_gate` comes first.

    `basis` is what the plan was judged by, free of participants' data; after `expires_at` it is too old.
    """
    check_text(plan, what="Plans")
    with store.write() as connection:
        held = own_run(connection, run)
        if not held.plan_digest:
            raise StoreError(
                f"Run {run.id} has no plan digest, so its plan could not be found: record the gate."
            )
        kept = {"plan": store.seal(plan), "basis": dict(basis), "expires_at": expires_at}
        told = {**kept, **_told(held, about)}
        move_run(connection, run, to=RunState.HELD, note=note, ended_at=now, **told)
    return reload_run(store, run.id)


def end_run(
    store: Store,
    run: Run,
    *,
    state: RunState,
    now: datetime,
    counts: Mapping[str, int] | None = None,
    note: str = "",
    about: Mapping[str, Any] = _NOTHING,
) -> Run:
    """End a run as done, partly, failed, idle, refused or interrupted; adds to its counts and `about`.

    Batches without an outcome become unresolved; a run with unresolved batches cannot be done (StoreError).
    """
    if state in OPEN_STATES | {RunState.HELD, RunState.APPROVED, RunState.REVERTED}:
        raise StoreError(f"A run does not end as {state}.")
    with store.write() as connection:
        held = own_run(connection, run)
        total = {**held.counts, **(counts or {})}
        told = _told(held, about)
        move_run(connection, run, to=state, counts=total, note=note, ended_at=now, **told)
        _settle_batches(connection, run.id, state=state, now=now)
    return reload_run(store, run.id)


def mark_reverted(store: Store, run: Run, *, by: Run, now: datetime) -> Run:
    """Say that the run `by` has undone `run`; StoreError when `by` was not begun to revert it."""
    if by.reverts != run.id:
        raise StoreError(f"Run {by.id} was not begun to revert run {run.id}.")
    with store.write() as connection:
        move_run(connection, run, to=RunState.REVERTED, heartbeat_at=now)
    return reload_run(store, run.id)


def _told(held: Run, about: Mapping[str, Any]) -> dict[str, Any]:
    """What to set so that a run tells this, too."""
    return {"about": {**(held.about or {}), **about}} if about else {}


def _insert(store: Store, values: dict[str, Any]) -> bool:
    """Insert a run; False when a constraint of the database is against it."""
    with store.write() as connection:
        try:
            connection.execute(insert(RUN).values(**values))
        except IntegrityError:
            return False
    return True


def _refusal(store: Store, values: Mapping[str, Any], *, now: datetime) -> Refused | StoreError:
    place = [RUN.c[name] == values[name] for name in ("study", "host", "project_id")]
    is_rival = RUN.c.state.in_(OPEN_STATES) & RUN.c.dry_run.is_(False)
    with store.read() as connection:
        row = connection.execute(select(*RUN_VALUES).where(*place, is_rival)).mappings().first()
    if row is None or values["dry_run"]:
        return StoreError(
            "The run was not begun: `reverts` names no run of this store, or a run just ended. Retry."
        )
    rival = to_run(row)
    name = f"Run {rival.id} ({rival.flow}) of study {rival.study}"
    since = f"{name} is open since {rival.started_at:%Y-%m-%d %H:%M} UTC"
    where = describe_owner(rival.owner)
    if is_alive(rival.owner, heartbeat_at=rival.heartbeat_at, now=now):
        return Refused(f"{since} in {where}. Wait until it has ended, or stop that process and start again.")
    return Refused(
        f"{since}, but {where} is dead. It must be settled first, for it may have written to REDCap."
    )


def _settle_batches(connection: Connection, run_id: str, *, state: RunState, now: datetime) -> None:
    mine = BATCH.c.run_id == run_id
    if state is RunState.DONE:
        open_batch = select(BATCH.c.number).where(mine, BATCH.c.state != BatchState.VERIFIED)
        if connection.execute(open_batch).first():
            raise StoreError(
                f"Run {run_id} has batches without an outcome, so it is not done: end it as partly."
            )
    unfinished = update(BATCH).where(mine, BATCH.c.state.in_(UNFINISHED_BATCHES))
    connection.execute(unfinished.values(state=BatchState.UNRESOLVED, finished_at=now))
