"""Keeps what people decided about held plans: who said yes or no, when, why, and for how long."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from capstan.errors import Refused
from capstan.store.connection import Store
from capstan.store.moves import move_run, own_run
from capstan.store.rows import Approval, Run
from capstan.store.states import RunState
from capstan.store.tables import APPROVAL, RUN


def approve_held(
    store: Store, run: Run, *, by: str, reason: str, now: datetime, expires_at: datetime
) -> Approval:
    """Keep a person's yes to a held plan, in place of an earlier one; Refused when it is held no more."""
    with store.write() as connection:
        _check_held(connection, run)
        connection.execute(delete(APPROVAL).where(APPROVAL.c.run_id == run.id))
        values = {"by": by, "reason": reason, "approved_at": now, "expires_at": expires_at}
        connection.execute(insert(APPROVAL).values(run_id=run.id, **values))
    return Approval(run.id, by, reason, now, expires_at, None)


def find_approval(store: Store, run: Run) -> Approval | None:
    """The latest yes to the plan that a run holds, also one that was given to an equal plan before."""
    query = select(APPROVAL).join(RUN, RUN.c.id == APPROVAL.c.run_id).where(*_alike(run))
    ordered = query.order_by(APPROVAL.c.approved_at.desc())
    with store.read() as connection:
        row = connection.execute(ordered).mappings().first()
    return Approval(**row) if row else None


def use_approval(store: Store, run: Run, *, approval: Approval, by: Run, note: str, now: datetime) -> None:
    """Close a held plan, and all that are equal to it, because the run `by` is about to apply it.

    Raises Refused when somebody else decided in between: an approval is used once.
    """
    with store.write() as connection:
        _check_held(connection, run)
        used = update(APPROVAL).where(APPROVAL.c.run_id == approval.run_id, APPROVAL.c.used_by.is_(None))
        if not connection.execute(used.values(used_by=by.id)).rowcount:
            raise Refused(
                f"The approval of the plan of run {run.id} was used or withdrawn; approve it again."
            )
        _close(connection, run, state=RunState.APPROVED, note=note, now=now)


def reject_held(store: Store, run: Run, *, note: str, now: datetime) -> None:
    """Close a held plan, and all that are equal to it, as refused."""
    with store.write() as connection:
        _check_held(connection, run)
        _close(connection, run, state=RunState.REFUSED, note=note, now=now)


def _close(connection: Connection, run: Run, *, state: RunState, note: str, now: datetime) -> None:
    alike = _alike(run)
    move_run(connection, run, to=state, note=note, heartbeat_at=now)
    connection.execute(update(RUN).where(*alike).values(state=state, note=note))


def _alike(run: Run) -> list[ColumnElement[bool]]:
    """The runs that hold the same plan: night after night one and the same may be held."""
    names = ("study", "host", "project_id", "plan_digest")
    return [RUN.c.state == RunState.HELD, *(RUN.c[name] == getattr(run, name) for name in names)]


def _check_held(connection: Connection, run: Run) -> None:
    state = own_run(connection, run).state
    if state is not RunState.HELD:
        raise Refused(f"The plan of run {run.id} is held no more: the run is {state}.")
