"""Panels of a study's page: counted where the data are, kept in the store, and collected when it is drawn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import pandas as pd

from capstan.errors import StoreError
from capstan.overview import Panel
from capstan.store import Store
from capstan.store.coverage import list_intervals
from capstan.store.panels import KeptPanel, keep_panels
from capstan.store.quality_history import read_outcomes
from capstan.store.queries import count_queries
from capstan.store.run_pages import eventful_runs
from capstan.store.tallies import open_waits_of, tally_funnel
from capstan.study import Study
from tasks.messages.queueing import room_of
from tasks.pages.store_panels import (
    findings_panel,
    messages_panel,
    monitors_panel,
    quality_panel,
    runs_panel,
    triggers_panel,
)
from tasks.seen_places import project_named

_RUNS, _INTERVALS = 20, 60
# Names records, so it is kept sealed.
_NAMING = "overdue"
_ORDER = (
    "enrolment",
    "consort",
    "calendar",
    "windows",
    "completeness",
    "messages",
    "findings",
    "quality",
    "runs",
    "triggers",
    "monitors",
    _NAMING,
)


def keep_counted(store: Store, study: Study, *, panels: Iterable[Panel], now: datetime) -> None:
    """Keep panels that were counted in an export, in place of earlier ones of their ids.

    What names records is kept sealed, and not at all unless the study says that pages may.
    """
    told = {panel.id: write_panel(panel) for panel in panels}
    naming = told.pop(_NAMING, "")
    # Each panel says whose it is: a study that moves to another project begins anew.
    marked = {name: json.dumps([_place(study), text]) for name, text in told.items()}
    sealed = store.keys.seal(naming.encode()).decode() if naming and study.page.records else ""
    if told.keys() - {"calendar"}:
        marked[_NAMING] = json.dumps([_place(study), sealed])
    keep_panels(store, study.study, panels=marked, now=now)


def collect_panels(
    store: Store, study: Study, *, kept: Mapping[str, KeptPanel], now: datetime
) -> tuple[Panel, ...]:
    """All panels of a study's page that have something to show, in their order."""
    counted = [panel for panel in _counted(store, study, kept=kept, now=now) if _says_something(panel)]
    found = [*counted, *store_panels(store, study, now=now)]
    return tuple(sorted(found, key=lambda panel: _ORDER.index(panel.id)))


def store_panels(store: Store, study: Study, *, now: datetime) -> Iterator[Panel]:
    """The panels of what the store holds of the study's project, without those that it has no use for."""
    room, project = room_of(study), project_named(study)
    funnel = tally_funnel(store, room)
    if study.messages or funnel:
        yield messages_panel(funnel)
    outcomes, queries = read_outcomes(store, project), count_queries(store, room, now=now)
    if outcomes or len(queries):
        yield findings_panel(queries)
    if outcomes:
        yield quality_panel(outcomes, zone=study.zone)
    yield runs_panel(eventful_runs(store, room, limit=_RUNS), zone=study.zone)
    intervals = list_intervals(store, study.study, limit=_INTERVALS)
    if any(one.received is not None for one in intervals):
        yield triggers_panel(intervals, zone=study.zone)
    waits = open_waits_of(store, study.study)
    if study.monitors or waits:
        yield monitors_panel(waits, now=now)


def write_panel(panel: Panel) -> str:
    """Write a panel as JSON; the same panel gives the same text."""
    table = panel.table
    return json.dumps(
        {
            **{name: getattr(panel, name) for name in ("id", "title", "says", "note")},
            "columns": [[str(name), str(table[name].dtype)] for name in table.columns],
            "rows": table.astype(object).where(table.notna(), None).to_numpy().tolist(),
        }
    )


def read_panel(text: str) -> Panel:
    """Read what `write_panel` wrote."""
    told = json.loads(text)
    types = dict(told.pop("columns"))
    table = pd.DataFrame(told.pop("rows"), columns=list(types)).astype(types)
    return Panel(table=table, **told)


def _counted(store: Store, study: Study, *, kept: Mapping[str, KeptPanel], now: datetime) -> Iterator[Panel]:
    for name, panel in kept.items():
        if name not in _ORDER:
            continue
        place, text = json.loads(panel.content)
        if place == _place(study) and text:
            if name != _NAMING:
                yield read_panel(text)
            elif study.page.records and panel.at > now - timedelta(days=study.retention_days):
                yield from _unsealed(store, text)


def _unsealed(store: Store, text: str) -> Iterator[Panel]:
    try:
        yield read_panel(store.keys.unseal(text.encode()).decode())
    except StoreError:
        return  # sealed with a key that is gone; the next look counts it again


def _says_something(panel: Panel) -> bool:
    return bool(panel.says or len(panel.table))


def _place(study: Study) -> str:
    return project_named(study).name
