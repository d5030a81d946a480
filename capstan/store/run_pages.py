"""Finds the runs that have a page, and those that answer each other; a run has one if it tells something."""

from __future__ import annotations

from sqlalchemy import ColumnElement, null, or_, select

from capstan.store.connection import Store
from capstan.store.outbox_rows import Mailroom
from capstan.store.rows import Run, to_run
from capstan.store.states import OPEN_STATES, RunState
from capstan.store.tables import APPROVAL, RUN, RUN_VALUES


def run_before(store: Store, run: Run) -> Run | None:
    """The last run of the study before this one that has a page."""
    earlier = (RUN.c.started_at < run.started_at) | _at_once(run, RUN.c.id < run.id)
    return _first(store, run, earlier, order=(RUN.c.started_at.desc(), RUN.c.id.desc()))


def run_after(store: Store, run: Run) -> Run | None:
    """The first run of the study after this one that has a page."""
    later = (RUN.c.started_at > run.started_at) | _at_once(run, RUN.c.id > run.id)
    return _first(store, run, later, order=(RUN.c.started_at, RUN.c.id))


def runs_answered(store: Store, run: Run) -> tuple[Run, ...]:
    """The runs that this one undid, or whose held plan it applied."""
    applied = select(APPROVAL.c.run_id).where(APPROVAL.c.used_by == run.id)
    return _listed(store, or_(RUN.c.id == run.reverts, RUN.c.id.in_(applied)))


def runs_answering(store: Store, run: Run) -> tuple[Run, ...]:
    """The runs that were begun to undo this one, or that applied the plan that it held."""
    used = select(APPROVAL.c.used_by).where(APPROVAL.c.run_id == run.id)
    return _listed(store, or_(RUN.c.reverts == run.id, RUN.c.id.in_(used)) & RUN.c.dry_run.is_(False))


def eventful_runs(store: Store, room: Mailroom, *, limit: int) -> tuple[Run, ...]:
    """The last runs on a study's project that had something to do, newest first; dry ones are left out."""
    mine = [RUN.c[name] == value for name, value in room._asdict().items()]
    is_told = RUN.c.state.not_in([*OPEN_STATES, RunState.IDLE]) & RUN.c.dry_run.is_(False)
    query = select(*RUN_VALUES).where(*mine, is_told).order_by(RUN.c.started_at.desc(), RUN.c.id.desc())
    with store.read() as connection:
        return tuple(to_run(row) for row in connection.execute(query.limit(limit)).mappings())


def _at_once(run: Run, by_id: ColumnElement[bool]) -> ColumnElement[bool]:
    return (RUN.c.started_at == run.started_at) & by_id


def _first(
    store: Store, run: Run, wanted: ColumnElement[bool], *, order: tuple[ColumnElement[object], ...]
) -> Run | None:
    has_page = RUN.c.about.is_not(null())
    query = select(*RUN_VALUES).where(RUN.c.study == run.study, has_page, wanted).order_by(*order).limit(1)
    with store.read() as connection:
        row = connection.execute(query).mappings().first()
    return None if row is None else to_run(row)


def _listed(store: Store, wanted: ColumnElement[bool]) -> tuple[Run, ...]:
    query = select(*RUN_VALUES).where(wanted).order_by(RUN.c.started_at, RUN.c.id)
    with store.read() as connection:
        return tuple(to_run(row) for row in connection.execute(query).mappings())
