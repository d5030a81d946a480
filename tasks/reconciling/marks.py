"""Marks: records as the store knows them."""

from __future__ import annotations

from collections.abc import Iterable

from capstan.store.inbox_marks import inbox_record_mark
from tasks.connections import LiveProject


def record_marks(live: LiveProject, records: Iterable[str]) -> dict[str, str]:
    """The record of each mark."""
    store, study = live.store, live.study.study
    return {inbox_record_mark(store, study, record=record): record for record in set(records)}
