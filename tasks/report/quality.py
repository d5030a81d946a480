"""The quality of a study's data, drawn: expectations that are not met, and queries that are open."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from capstan.store import Store
from capstan.store.quality_history import KeptOutcome, Result, last_project, read_outcomes
from capstan.store.queries import AGES, count_queries
from tasks.report.drawing import Drawing, Row

_AMISS = (Result.FAILED, Result.RAISED)


def quality_facts(store: Store, study: str, *, now: datetime) -> object:
    """What the page rests on; nothing before the first night."""
    project = last_project(store, study)
    if project is None:
        return ()
    results = tuple((one.expectation, one.result.value) for one in read_outcomes(store, project))
    return (results, tuple(map(tuple, count_queries(store, project.room, now=now).to_numpy().tolist())))


def draw_quality(store: Store, study: str, now: datetime) -> Drawing:
    """How many queries are open by age; below, the expectations that are not met, then the checks."""
    project = last_project(store, study)
    if project is None:
        return Drawing("Nothing was looked at yet.", {}, [])
    outcomes = read_outcomes(store, project)
    amiss = [one for one in outcomes if one.result in _AMISS]
    waiting = sum(one.result is Result.WAITING for one in outcomes)
    ages, checks = Counter[str](dict.fromkeys(AGES, 0)), Counter[tuple[str, str, str]]()
    for check, severity, age, site, count in count_queries(store, project.room, now=now).to_numpy().tolist():
        ages[age] += count
        checks[check, severity, site] += count
    expected = {one.expectation for one in outcomes}
    rows = [_told(one) for one in amiss]
    rows += [
        _row(*name, state=f"{count:,} open")
        for name, count in checks.most_common()
        if name[0] not in expected
    ]
    said = (
        f"{ages.total():,} queries are open. {len(amiss):,} of {len(outcomes):,} expectations are not met, "
        f"{waiting:,} wait for more history."
    )
    then = [
        f"`capstan queries list --study {study}` shows each query, with its form.",
        f"`capstan quality show --study {study}` shows the expectations, and how they did before.",
    ]
    return Drawing(said, dict(ages), rows, then if rows else ())


def _told(one: KeptOutcome) -> Row:
    state = f"not met since {one.since:%Y-%m-%d}" if one.result is Result.FAILED else "could not be judged"
    return _row(one.expectation, one.severity, one.site, state=state)


def _row(what: str, severity: str, site: str, *, state: str) -> Row:
    return {"what": f"`{what}`", "severity": severity, "site": site or "-", "state": state}
