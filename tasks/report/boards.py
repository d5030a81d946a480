"""Boards: how a study stands now, from the store: what waits for a person, and what is on its way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from capstan.store import Store
from capstan.store.coverage import list_intervals
from capstan.store.tallies import open_waits_of, tally_attempts, tally_inbox, tally_stopped
from tasks.report.drawing import Drawing, Page, publish_page
from tasks.report.overviews import (
    DAYS,
    draw_coverage,
    draw_deliveries,
    draw_held,
    draw_monitors,
    draw_stopped,
    waiting_plans,
)
from tasks.report.quality import draw_quality, quality_facts


class Board(NamedTuple):
    """A page of each study: its title, the facts that it rests on, which cost little, and how it is drawn."""

    title: str
    facts: Callable[[Store, str, datetime], object]
    draw: Callable[[Store, str, datetime], Drawing]


def _held(store: Store, study: str, now: datetime) -> object:
    return tuple(run.id for run in waiting_plans(store, study, now=now))


def _stopped(store: Store, study: str, _now: datetime) -> object:
    return tally_stopped(store, study)


def _tried(store: Store, study: str, now: datetime) -> object:
    return tally_attempts(store, study, since=now - timedelta(days=DAYS))


def _waiting(store: Store, study: str, _now: datetime) -> object:
    return open_waits_of(store, study)


def _covered(store: Store, study: str, _now: datetime) -> object:
    inbox, last = tally_inbox(store, study), list_intervals(store, study, limit=1)
    return (inbox, last) if last or any(inbox) else ()


def _quality(store: Store, study: str, now: datetime) -> object:
    return quality_facts(store, study, now=now)


BOARDS = MappingProxyType(
    {
        "held-plans": Board("Held plans", _held, draw_held),
        "stopped-rows": Board("Rows in quarantine", _stopped, draw_stopped),
        "deliveries": Board("Deliveries", _tried, draw_deliveries),
        "monitors": Board("Monitors", _waiting, draw_monitors),
        "triggers": Board("Triggers", _covered, draw_coverage),
        "quality": Board("Quality of the data", _quality, draw_quality),
    }
)
_WRITING = ("held-plans", "stopped-rows")
_TOUCHED = MappingProxyType(
    {
        "send_messages": (*_WRITING, "deliveries"),
        "send_surveys": (*_WRITING, "deliveries"),
        "check_deliveries": (*_WRITING, "deliveries"),
        "check_replies": (*_WRITING, "deliveries"),
        "run_monitors": ("monitors",),
        "ingest_triggers": ("triggers", "monitors"),
        "reconcile_triggers": ("triggers",),
        "load_sessions": ("monitors",),
        "data_quality": (*_WRITING, "quality"),
    }
)


def publish_boards(store: Store, study: str, *, flow: str, is_journaled: bool, now: datetime) -> None:
    """Publish the pages that a run of a flow may have changed, each only if it shows something new."""
    for name in _TOUCHED.get(flow, _WRITING if is_journaled else ()):
        board = BOARDS[name]
        publish_page(
            store,
            Page(study, name, board.title),
            facts=board.facts(store, study, now),
            draw=partial(board.draw, store, study, now),
            now=now,
        )
