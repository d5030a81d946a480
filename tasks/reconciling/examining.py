"""Examining: whether data entry triggers come at all, by when the last one came; their URL cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.store import read_watermark
from capstan.store.coverage import last_arrival
from tasks.connections import LiveProject
from tasks.finding import Finding
from tasks.reconciling.coverage import SILENCE

_WHAT = "triggers"


def look_at_triggers(live: LiveProject) -> Iterator[Finding]:
    """Say when the last trigger came, where the study has rules for any."""
    study = live.study
    if not study.triggers:
        return
    compare = (
        "REDCap's API does not tell to which URL it sends them; compare the one under Additional "
        f"Customizations of the Project Setup with `capstan triggers address {study.study}`"
    )
    last = last_arrival(live.store, study.study)
    if last is None:
        yield Finding(_WHAT, "warn", f"none has come yet; {compare}")
        return
    when = f"the last one came on {last.astimezone(study.zone):%Y-%m-%d at %H:%M}"
    if read_watermark(live.store, study.study, name=live.watermark(SILENCE)):
        yield Finding(_WHAT, "warn", f"{when}, although people saved forms since; {compare}")
    else:
        yield Finding(_WHAT, "ok", f"{when}; {compare}")
