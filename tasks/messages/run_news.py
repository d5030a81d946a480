"""What staff are told of a run: its outcome in counts, or its error in words without values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from capstan.errors import CapstanError
from capstan.notice import Cause, Happening
from tasks.redaction import redact
from tasks.report import COUNTS

_SHOWN = ("cells_written", "cells_not_written", "rows_rejected", "cells_reverted", "cells_moved_on")
_LONGEST = 300
_CAUSES = {"held": Cause.HOLD, "refused": Cause.FAILURE, "partly": Cause.FAILURE}


def summary_news(summary: Mapping[str, Any], *, at: datetime) -> list[Happening]:
    """What there is to tell of a run that ended: nothing where nothing was to be done, or it was dry."""
    outcome = str(summary["outcome"])
    counts = {name: summary.get(name) for name in _SHOWN}
    told = [f"{count:,} {COUNTS[name]}" for name, count in counts.items() if isinstance(count, int) and count]
    if summary.get("dry_run") or (outcome == "idle" and not told):
        return []
    said = f"{summary['flow']}: {outcome}{', ' if told else ''}{', '.join(told)}; {_where(summary)}."
    causes = {Cause.SUMMARY, _CAUSES.get(outcome, Cause.SUMMARY)}
    return [Happening(cause, said, at) for cause in Cause if cause in causes]


def failure_news(flow: str, error: BaseException, *, at: datetime) -> list[Happening]:
    """What there is to tell of an error: our own errors speak for themselves, others by their type only."""
    if not isinstance(error, Exception):
        return []
    text = redact(" ".join(str(error).split())) if isinstance(error, CapstanError) else type(error).__name__
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
    return [Happening(Cause.FAILURE, f"{flow} failed: {short}", at)]


def _where(summary: Mapping[str, Any]) -> str:
    plan = str(summary.get("plan") or "")[:12]
    return f"`capstan plan show {plan}`" if plan else f"`capstan journal show {summary['run']}`"
