"""Wellness: what must be well before a heartbeat says so."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from capstan.settings import load_settings
from capstan.store import Store, write_watermark
from capstan.study import Study
from tasks.alarms.trials import look_at_alarm
from tasks.connections import open_store
from tasks.deployed import server_address
from tasks.examining_prefect import look_at_prefect
from tasks.finding import Finding
from tasks.reaching import look_at_receiver
from tasks.shield import effect
from tasks.timetables import read_timetable

_ALL = "all"
# Warnings of the doctor that are faults of a machine that should run by itself.
_FAULTS = frozenset({"late runs", "alarm", "receiver"})


@effect("look whether all is well")
def find_faults(names: Collection[str], *, now: datetime) -> list[str]:
    """What is wrong, each as one sentence without a participant's data: the store, Prefect, the receiver.

    All studies are looked at if none is named. Raises StoreError where the store cannot be written, or its
    key is not the one that wrote it.
    """
    table = read_timetable(names)
    with open_store(load_settings()) as store:
        write_watermark(store, _ALL, name="heartbeat", value=now.isoformat(), now=now)
        found = {
            f"{study.study}: {finding.what}: {finding.said}"
            for study in table.studies
            for finding in _looks(store, study, now=now)
            if finding.verdict == "fail" or (finding.what in _FAULTS and finding.verdict == "warn")
        }
    return [*table.faults, *sorted(found)]


def _looks(store: Store, study: Study, *, now: datetime) -> Iterator[Finding]:
    yield from look_at_alarm(store, study, now=now)
    if server_address():
        yield from look_at_prefect(study, now=now)
    if load_settings().public_url:
        yield from look_at_receiver(study)
