"""The panels of a study's page that show what the store holds: messages, runs, queries and what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

import pandas as pd

from capstan.delivery.codes import rule_for
from capstan.message import MessageState, explain_rule
from capstan.overview import Panel
from capstan.store.coverage import Interval
from capstan.store.quality_history import KeptOutcome, Result
from capstan.store.rows import Run
from capstan.store.tallies import Funnel, Waiting

_STAGES = {
    MessageState.SUPPRESSED: "suppressed",
    MessageState.CANCELLED: "suppressed",
    MessageState.EXPIRED: "suppressed",
    MessageState.ACCEPTED: "sent",
    MessageState.DELIVERED: "delivered",
    MessageState.FAILED: "failed",
    MessageState.UNKNOWN: "unknown",
    MessageState.REVIEW: "unknown",
}
# Whatever came to one of these was sent before.
_SENT = ("delivered", "failed", "unknown")
_AGES = ((1, "under 1 day"), (3, "1 to 3 days"), (7, "3 to 7 days"))
_OLDEST = "over 7 days"


def messages_panel(funnel: Iterable[Funnel]) -> Panel:
    """Count messages by stage: planned, suppressed by rule, sent, and what became of them.

    A stage counts all that came so far: what was delivered was sent, and what was sent was planned.
    """
    counts = Counter[tuple[str, str, str]]()
    for one in funnel:
        stage = _STAGES.get(MessageState(one.state), "")
        counts[one.message, "planned", ""] += one.messages
        if stage in _SENT:
            counts[one.message, "sent", ""] += one.messages
        if stage:
            counts[one.message, stage, _why(one, stage=stage)] += one.messages
    table = pd.DataFrame(
        [(*key, n) for key, n in counts.items()], columns=["message", "stage", "reason", "count"]
    )
    total = table.groupby("stage")["count"].sum() if len(table) else pd.Series(dtype="int64")
    told = [
        f"{total[stage]:,} {stage}"
        for stage in ("planned", "suppressed", *("sent",), *_SENT)
        if stage in total
    ]
    return Panel(
        "messages", "Messages", f"{', '.join(told)}." if told else "No message was planned yet.", table
    )


def runs_panel(runs: Sequence[Run], *, zone: tzinfo) -> Panel:
    """List the last runs that changed, stopped or held something, each with its page where it has one."""
    rows = [
        (
            f"{run.started_at.astimezone(zone):%Y-%m-%d %H:%M}",
            run.flow,
            run.state.value,
            int(run.counts.get("cells_written", 0)),
            int(run.counts.get("rows_rejected", 0)),
            run.id,
            f"runs/{run.id}.html" if run.about else "",
        )
        for run in runs
    ]
    names = ["started", "flow", "outcome", "cells_written", "rows_stopped", "run", "link"]
    table = pd.DataFrame(rows, columns=names)
    written, stopped = table["cells_written"].sum(), table["rows_stopped"].sum()
    said = f"The last {len(rows):,} runs wrote {written:,} cells and stopped {stopped:,} rows."
    note = "Runs that found nothing to do are not listed."
    return Panel(
        "runs", "The last runs", said if rows else "Nothing was written or stopped yet.", table, note
    )


def triggers_panel(intervals: Sequence[Interval], *, zone: tzinfo) -> Panel:
    """Show what became of REDCap's triggers in each interval whose log could be read, the oldest first."""
    known = [one for one in reversed(intervals) if one.received is not None]
    parts = ("received", "late", "missed", "duplicate")
    rows = [
        (f"{one.ended_at.astimezone(zone):%Y-%m-%d %H:%M}", *(getattr(one, part) or 0 for part in parts))
        for one in known
    ]
    table = pd.DataFrame(rows, columns=["until", *parts])
    told = ", ".join(f"{table[part].sum():,} {part}" for part in parts)
    said = f"Of the triggers that saves in REDCap should have sent: {told}."
    return Panel("triggers", "Triggers", said if rows else "No coverage was computed yet.", table)


def monitors_panel(waits: Iterable[Waiting], *, now: datetime) -> Panel:
    """Count the open waits of monitors by how far they have come and by age."""
    counts = Counter(
        (one.monitor, one.state, _age((now - one.since).total_seconds() / 86400)) for one in waits
    )
    rows = [(*key, count) for key, count in counts.items()]
    table = pd.DataFrame(rows, columns=["monitor", "state", "age", "waits"])
    said = f"{counts.total():,} {'wait is' if counts.total() == 1 else 'waits are'} open."
    return Panel("monitors", "Monitors", said, table)


def findings_panel(counts: pd.DataFrame) -> Panel:
    """Show the open queries (`COUNT_COLUMNS`) by check and age."""
    total = int(counts["open"].sum()) if len(counts) else 0
    said = f"{total:,} {'query is' if total == 1 else 'queries are'} open." if total else "No query is open."
    return Panel("findings", "Open queries", said, counts)


def quality_panel(outcomes: Sequence[KeptOutcome], *, zone: tzinfo) -> Panel:
    """Show what became of each expectation on the last day, those that are not met first."""
    order = [Result.RAISED, Result.FAILED, Result.WAITING, Result.PASSED]
    ordered = sorted(outcomes, key=lambda one: (order.index(one.result), one.expectation))
    rows = [
        (one.expectation, one.kind, one.site, one.result.value, f"{one.since.astimezone(zone):%Y-%m-%d}")
        for one in ordered
    ]
    table = pd.DataFrame(rows, columns=["expectation", "kind", "site", "result", "since"])
    counts = Counter(one.result for one in outcomes)
    amiss = counts[Result.FAILED] + counts[Result.RAISED]
    waiting = counts[Result.WAITING]
    said = f"{amiss:,} of {len(rows):,} expectations are not met, {waiting:,} wait for more history."
    return Panel("quality", "Expectations", said if rows else "Nothing was measured yet.", table)


def _why(one: Funnel, *, stage: str) -> str:
    if stage == "suppressed":
        return explain_rule(one.rule) if one.rule else one.state
    if stage == "failed" and one.code:
        return f"{one.code}: {rule_for(one.code, status=one.state).meaning}"
    return ""


def _age(days: float) -> str:
    return next((name for limit, name in _AGES if days < limit), _OLDEST)
