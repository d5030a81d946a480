"""What projects measured day by day, and what became of the expectations; counts and names of fields only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from io import BytesIO
from typing import NamedTuple

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, insert, select

from capstan.notice import Happening
from capstan.store.connection import Store
from capstan.store.notices import add_happenings
from capstan.store.outbox_rows import Mailroom
from capstan.store.quality_tables import QUALITY_MEASURE, QUALITY_OUTCOME
from capstan.store.seen_places import Project
from capstan.store.upserts import insert_or_replace

MEASURE_COLUMNS = ("measure", "form", "field", "event", "site", "value", "count")
MEASURES_KEPT, OUTCOMES_KEPT = timedelta(days=120), timedelta(days=60)
"""Expectations look back over 90 days of measures; outcomes are thousands of rows a night."""
_TEXTS = MEASURE_COLUMNS[:5]


class Result(StrEnum):
    """What became of an expectation; one that waits has too little history to be judged."""

    PASSED = "passed"
    FAILED = "failed"
    WAITING = "waiting"
    RAISED = "raised"


@dataclass(frozen=True)
class KeptOutcome:
    """What became of one expectation at the last look of a day, and since when that is so."""

    expectation: str
    kind: str
    severity: str
    form: str
    field: str
    event: str
    site: str
    result: Result
    observed: float | None
    at: datetime
    since: datetime


class Judged(NamedTuple):
    """What became of one expectation just now; `about` is its form, field, event and site."""

    expectation: str
    kind: str
    severity: str
    about: tuple[str, str, str, str]
    result: Result
    observed: float | None


def keep_measures(
    store: Store, project: Project, *, measures: pd.DataFrame, day: date, now: datetime
) -> None:
    """Keep what was measured (`MEASURE_COLUMNS`) in place of an earlier look of that day.

    A look that began earlier than the one that is kept is left out. What is older than `MEASURES_KEPT` goes.
    """
    whole = measures[list(MEASURE_COLUMNS)].astype({name: "str" for name in _TEXTS})
    row = {**_key(project, day), "at": now, "rows": len(whole), "packed": _pack(whole)}
    with store.write() as connection:
        newer = QUALITY_MEASURE.c.at <= now
        kept = insert_or_replace(connection, QUALITY_MEASURE, keys=("study", "project", "day"), where=newer)
        connection.execute(kept.values(**row))
        _forget(connection, QUALITY_MEASURE, project, until=now - MEASURES_KEPT)


class Thinned(NamedTuple):
    """Of which days every measure is read, told from all days; of the others only some measures are."""

    whole: Callable[[Sequence[date]], Collection[date]]
    always: Collection[str]


def read_measures(
    store: Store,
    project: Project,
    *,
    since: datetime | None = None,
    before: date | None = None,
    thinned: Thinned | None = None,
) -> pd.DataFrame:
    """What was measured, oldest day first: `at` and `MEASURE_COLUMNS`; from a time, and before a day."""
    wanted = [_of(QUALITY_MEASURE, project)]
    wanted += [QUALITY_MEASURE.c.at >= since] if since else []
    wanted += [QUALITY_MEASURE.c.day < before.isoformat()] if before else []
    columns = (QUALITY_MEASURE.c.at, QUALITY_MEASURE.c.day, QUALITY_MEASURE.c.packed)
    query = select(*columns).where(*wanted).order_by(QUALITY_MEASURE.c.day)
    with store.read() as connection:
        rows = [(at, date.fromisoformat(day), packed) for at, day, packed in connection.execute(query)]
    days = [day for _, day, _ in rows]
    thinned = thinned or Thinned(lambda days: days, ())
    whole, always = frozenset(thinned.whole(days)), list(thinned.always)
    parts = []
    for at, day, packed in rows:
        part = _unpack(packed).assign(at=at)
        parts.append(part if day in whole else part[part["measure"].isin(always)])
    columns_of = ["at", *MEASURE_COLUMNS]
    return pd.concat(parts, ignore_index=True)[columns_of] if parts else _nothing()


def keep_outcomes(
    store: Store,
    room: Mailroom,
    project: Project,
    *,
    judged: Sequence[Judged],
    news: Mapping[str, Happening],
    day: date,
    now: datetime,
) -> tuple[str, ...]:
    """Keep what became of the expectations, in place of an earlier look of that day; returns what is told.

    `news` is what staff are to know of an expectation if it begins to fail, or is met again after it failed.
    Both are one transaction, so that nobody is told twice or never.
    """
    with store.write() as connection:
        former = {one.expectation: one for one in _last(connection, project)}
        failing = _failing(connection, project)
        told = [one.expectation for one in judged if one.expectation in news and _is_news(one, failing)]
        mine = and_(_of(QUALITY_OUTCOME, project), QUALITY_OUTCOME.c.day == day.isoformat())
        connection.execute(delete(QUALITY_OUTCOME).where(mine))
        key = {**_key(project, day), "at": now}
        rows = [{**key, **_row(one, former.get(one.expectation), now=now)} for one in judged]
        if rows:
            connection.execute(insert(QUALITY_OUTCOME), rows)
        add_happenings(store, connection, room, happenings=[news[name] for name in told])
        _forget(connection, QUALITY_OUTCOME, project, until=now - OUTCOMES_KEPT)
    return tuple(told)


def read_outcomes(store: Store, project: Project) -> tuple[KeptOutcome, ...]:
    """What became of the expectations on the last day on which they were judged, by their ids."""
    with store.read() as connection:
        return _last(connection, project)


def last_project(store: Store, study: str) -> Project | None:
    """The project of a study that was measured last: a study may have moved to another one."""
    query = select(QUALITY_MEASURE.c.project).where(QUALITY_MEASURE.c.study == study)
    newest = query.order_by(QUALITY_MEASURE.c.at.desc(), QUALITY_MEASURE.c.project).limit(1)
    with store.read() as connection:
        name = connection.execute(newest).scalar()
    return None if name is None else Project(study, name)


def list_outcomes(store: Store, project: Project, *, since: datetime | None = None) -> pd.DataFrame:
    """How many expectations came to which result on each day: `day`, `result`, `expectations`."""
    wanted = [_of(QUALITY_OUTCOME, project)] + ([QUALITY_OUTCOME.c.at >= since] if since else [])
    columns = (QUALITY_OUTCOME.c.day, QUALITY_OUTCOME.c.result)
    query = select(*columns, func.count()).where(*wanted).group_by(*columns).order_by(*columns)
    with store.read() as connection:
        rows = connection.execute(query).all()
    return pd.DataFrame([tuple(row) for row in rows], columns=["day", "result", "expectations"])


def _last(connection: Connection, project: Project) -> tuple[KeptOutcome, ...]:
    mine = _of(QUALITY_OUTCOME, project)
    last = select(func.max(QUALITY_OUTCOME.c.day)).where(mine).scalar_subquery()
    query = select(QUALITY_OUTCOME).where(mine, QUALITY_OUTCOME.c.day == last)
    rows = connection.execute(query.order_by(QUALITY_OUTCOME.c.expectation)).mappings().all()
    names = KeptOutcome.__dataclass_fields__
    values = ({name: row[name] for name in names} for row in rows)
    return tuple(KeptOutcome(**{**each, "result": Result(each["result"])}) for each in values)


def _failing(connection: Connection, project: Project) -> frozenset[str]:
    """The expectations that failed when they were judged last; one that waited meanwhile was not judged."""
    columns = QUALITY_OUTCOME.c
    is_judged = and_(_of(QUALITY_OUTCOME, project), columns.result.in_([Result.PASSED, Result.FAILED]))
    newest = select(columns.expectation, func.max(columns.day).label("day")).where(is_judged)
    last = newest.group_by(columns.expectation).subquery()
    is_last = and_(columns.expectation == last.c.expectation, columns.day == last.c.day)
    query = select(columns.expectation).join(last, is_last).where(is_judged, columns.result == Result.FAILED)
    return frozenset(connection.execute(query).scalars())


def _is_news(one: Judged, failing: frozenset[str]) -> bool:
    was_failing = one.expectation in failing
    return one.result is (Result.PASSED if was_failing else Result.FAILED)


def _row(one: Judged, before: KeptOutcome | None, *, now: datetime) -> dict[str, object]:
    about = dict(zip(("form", "field", "event", "site"), one.about, strict=True))
    since = before.since if before and before.result is one.result else now
    names = ("expectation", "kind", "severity", "result", "observed")
    return {**{name: getattr(one, name) for name in names}, **about, "since": since}


def _key(project: Project, day: date) -> dict[str, str]:
    return {"study": project.study, "project": project.name, "day": day.isoformat()}


def _of(table: Table, project: Project) -> ColumnElement[bool]:
    return and_(table.c.study == project.study, table.c.project == project.name)


def _forget(connection: Connection, table: Table, project: Project, *, until: datetime) -> None:
    connection.execute(delete(table).where(_of(table, project), table.c.at < until))


def _pack(frame: pd.DataFrame) -> bytes:
    buffer = BytesIO()
    typed = frame.astype({"value": "float64", "count": "int64"})
    typed.reset_index(drop=True).to_feather(buffer, compression="zstd")
    return buffer.getvalue()


def _unpack(data: bytes) -> pd.DataFrame:
    return pd.read_feather(BytesIO(data))


def _nothing() -> pd.DataFrame:
    kinds = {name: "str" for name in _TEXTS} | {"value": "float64", "count": "int64"}
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    empty.insert(0, "at", pd.Series(dtype="datetime64[us, UTC]"))
    return empty
