"""Says what becomes of queries when a run has looked; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from capstan.query import QueryState

_Row = dict[str, Any]
_SETTLED = (QueryState.ANSWERED, QueryState.DISMISSED)
_SAID = ("severity", "site", "form")
_CHANGED = "What was found is not the same any more."
_PAST = "The time until which it was dismissed is over."
_BACK = "It was gone, and is back."


@dataclass(frozen=True)
class Looked:
    """What a run looked at, and since when: a query that it did not look at stays as it is.

    Blank `events` and `forms` stand for all of them. `unjudged` are checks that could not be made this time,
    and `hidden` the marks of records that were not to be seen.
    """

    at: datetime
    events: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()
    unjudged: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    def holds(self, query: RowMapping) -> bool:
        """Whether the run would have seen the finding of a query; a limited one does not see the project."""
        if query["check"] in self.unjudged or query["record_mark"] in self.hidden:
            return False
        if query["last_seen_at"] > self.at:
            return False
        if not query["record_mark"]:
            return not self.events and not self.forms
        is_there = not self.events or query["event"] in self.events
        return is_there and (not self.forms or query["form"] in self.forms)


@dataclass
class Moves:
    """What is to become of the queries of a project."""

    fresh: list[_Row] = field(default_factory=list)
    again: dict[str, list[tuple[_Row, _Row]]] = field(default_factory=dict)
    changed: list[tuple[_Row, _Row]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)


def plan_moves(findings: Mapping[str, _Row], *, known: Mapping[str, RowMapping], looked: Looked) -> Moves:
    moves = Moves()
    for mark, finding in findings.items():
        query = known.get(mark)
        if query is None:
            moves.fresh.append(finding)
        elif query["last_seen_at"] <= looked.at and (query["closed_at"] or looked.at) <= looked.at:
            _move(moves, dict(query), finding, now=looked.at)
    for mark, query in known.items():
        if mark not in findings and query["state"] != QueryState.CLOSED and looked.holds(query):
            moves.gone.append(query["id"])
    return moves


def _move(moves: Moves, query: _Row, finding: _Row, *, now: datetime) -> None:
    """Say what becomes of a query whose finding is there."""
    is_changed = query["content_mark"] != finding["content_mark"]
    is_past = query["until"] is not None and query["until"] <= now
    why = ""
    if query["state"] == QueryState.CLOSED:
        why = _BACK
    elif query["state"] in _SETTLED and (is_changed or is_past):
        why = _CHANGED if is_changed else _PAST
    if why:
        moves.again.setdefault(why, []).append((query, finding))
    elif is_changed or not finding["record"] or any(query[name] != finding[name] for name in _SAID):
        moves.changed.append((query, finding))
    else:
        moves.seen.append(query["id"])


def limit_moves(moves: Moves, *, known: Mapping[str, RowMapping], at_most: int) -> int:
    """Leave out the least severe new findings, for which there is no room; returns how many."""
    gone = set(moves.gone)
    taken = sum(row["state"] == QueryState.OPEN and row["id"] not in gone for row in known.values())
    room = max(at_most - taken - sum(map(len, moves.again.values())), 0)
    left_out = moves.fresh[room:]
    del moves.fresh[room:]
    return len(left_out)
