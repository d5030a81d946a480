"""The scope of a run: all participants, those whom triggers named, or one; all events or one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from capstan.errors import UsageError
from capstan.plan import KEY_NAMES
from flows.job import Job
from tasks.connections import LiveProject
from tasks.judging import refuse_empty
from tasks.redcap import export_records, list_records
from tasks.references import record_of


@dataclass(frozen=True, eq=False, repr=False)
class Scope:
    """For whom a run is: `records`, of all those that are `known`; None and "" stand for all of them."""

    records: frozenset[str] | None
    known: frozenset[str] | None
    event: str = ""

    def holds(self, records: pd.Series[str]) -> pd.Series[bool]:
        """Whether a run is for each of some records."""
        return pd.Series(True, index=records.index) if self.records is None else records.isin(self.records)

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of a keyed frame, record id first, that a run is for."""
        chosen = self.holds(frame.iloc[:, 0])
        if self.event:
            chosen &= frame[KEY_NAMES[0]] == self.event
        return frame[chosen].reset_index(drop=True)


def choose_scope(current: Job, *, participant: str = "", event: str = "", triggered: bool = False) -> Scope:
    """Say for whom a run is, by a participant's reference and the unique name of an event.

    What triggers asked for and this run does not see to stays asked for. Raises UsageError for a reference
    or event that the project does not have, Refused where it has suddenly no records.
    """
    live = current.live
    check_event(live, event)
    if event:
        current.asked = ()
    if not (participant or triggered):
        return Scope(None, None, event)
    known = list_records(live)
    refuse_empty(live, records=known, now=current.now, may_be_new=False)
    if not participant:
        return Scope(current.asked_records & known, known, event)
    record = record_of(live, participant, records=known)
    current.asked = tuple(one for one in current.asked if one.record == record)
    return Scope(frozenset({record}), known, event)


def export_scope(
    current: Job, scope: Scope, *, fields: Collection[str] = ()
) -> tuple[pd.DataFrame, frozenset[str]]:
    """Export fields (all if empty) of those for whom a run is; gives the ids of all records too.

    Raises Refused where the project has suddenly no records.
    """
    export = export_records(current.live, fields=fields, records=scope.records)
    if scope.known is not None:
        return export, scope.known
    known = frozenset(export[current.live.dictionary.record_field])
    refuse_empty(current.live, records=known, now=current.now, may_be_new=False)
    return export, known


def check_event(live: LiveProject, event: str) -> None:
    """Refuse an event that the project does not have; "" is none in particular."""
    if not event:
        return
    names = [one.name for one in live.grid.events]
    if event not in names:
        listed = ", ".join(names) or "none, because it is not longitudinal"
        raise UsageError(f"There is no event {event!r}; the project's events are {listed}.")
