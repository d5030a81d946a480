"""Trials of the alarm: when it last rang everywhere, and whether that is too long ago."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from capstan.store import Store, read_watermark, write_watermark
from capstan.study import Study
from tasks.finding import Finding

# One weekly trial may be missed, not two.
TRIED_WITHIN = timedelta(days=10)
_NAME = "alarm rang"


def note_trial(store: Store, study: Study, *, now: datetime) -> None:
    """Keep that every way of the alarm took a trial now."""
    write_watermark(store, study.study, name=_NAME, value=now.isoformat(), now=now)


def look_at_alarm(store: Store, study: Study, *, now: datetime) -> Iterator[Finding]:
    """One finding where the study has somebody who can be told: whether the alarm was tried lately."""
    if not (study.notify.staff.email or study.notify.staff.sms):
        return
    kept = read_watermark(store, study.study, name=_NAME)
    again = f"run `capstan run try_alarm --study {study.study}`"
    if kept is None:
        yield Finding("alarm", "warn", f"never tried; {again}")
        return
    days = (now - datetime.fromisoformat(kept)) // timedelta(days=1)
    is_old = now - datetime.fromisoformat(kept) > TRIED_WITHIN
    said = f"rang {days} days ago"
    yield Finding("alarm", "warn" if is_old else "ok", f"{said}; {again}" if is_old else said)
