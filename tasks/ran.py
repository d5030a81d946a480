"""Ran: when a flow that leaves no run in the journal did its work last, so that monitors can watch it too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from capstan.store import Store, read_watermark, write_watermark

_DID_NOTHING = frozenset({"failed", "refused", "put off"})


def remember_end(store: Store, summary: Mapping[str, object], *, now: datetime) -> None:
    """Remember that a study's flow did its work; a run of the journal is remembered there."""
    study = str(summary["study"])
    if "run" in summary or summary.get("dry_run") or summary["outcome"] in _DID_NOTHING or not study:
        return
    write_watermark(store, study, name=_name(str(summary["flow"])), value=now.isoformat(), now=now)


def last_end(store: Store, study: str, *, flow: str) -> datetime | None:
    """When a flow without a run in the journal did its work last; None before it ever did."""
    kept = read_watermark(store, study, name=_name(flow))
    return datetime.fromisoformat(kept) if kept else None


def _name(flow: str) -> str:
    return f"{flow} ended"
