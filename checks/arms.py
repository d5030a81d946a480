"""Arms: in which arms each participant may have data, and which rows would put it elsewhere.

REDCap has no such check: a write into the wrong arm succeeds there, silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from capstan.arms import participant_arms
from capstan.events import EventGrid, logic_events
from capstan.plan import KEYS
from capstan.study import Arms
from capstan.verdict import collected
from checks.catalogue import say


class Allowed(NamedTuple):
    """Arms by number as text: `shared` for everybody, `own` for each record (several, or none).

    `ruled` says whether the study rules arms at all.
    """

    shared: frozenset[str]
    own: Mapping[str, frozenset[str]]
    ruled: bool


def allowed_arms(
    arms: Arms, *, present: pd.DataFrame, wanted: pd.DataFrame, record_field: str, grid: EventGrid
) -> Allowed:
    """Where each record may have data, from what REDCap holds and, for the unassigned, from the plan.

    `wanted` has only rows that nothing else speaks against. A study that says nothing of arms keeps each
    record in the arms where it already has data.
    """
    if arms.assigned_by is None and not arms.shared:
        inhabited = _inhabited(present, record_field=record_field, grid=grid)
        return Allowed(frozenset(), inhabited, ruled=False)
    own: dict[str, str] = {}
    for rows in (wanted, present):
        assigned = participant_arms(
            rows, arms.assigned_by, record_field=record_field, events=logic_events(grid)
        )
        own |= {str(record): str(arm) for record, arm in assigned.items()}
    shared = frozenset(str(number) for number in arms.shared)
    return Allowed(shared, {record: frozenset({arm}) for record, arm in own.items()}, ruled=True)


def judge_arms(keys: pd.DataFrame, *, allowed: Allowed, grid: EventGrid) -> pd.DataFrame:
    """Stop rows whose event is in an arm where the participant may have no data.

    `keys` has record, event, instrument, instance. Where no rule names arms, a new record may go into
    one arm, but not into several at once.
    """
    arm_of = grid.arm_of
    rows = keys[keys["event"].isin(arm_of)].drop_duplicates(list(KEYS))
    if len(set(arm_of.values())) < 2 or rows.empty:
        return collected([])
    arm = rows["event"].map(arm_of)
    pairs = pd.MultiIndex.from_arrays([rows["record"], arm])
    distinct = pairs.unique()
    own = allowed.own if allowed.ruled else _settled(distinct, own=allowed.own)
    bad = np.array([a not in allowed.shared and a not in own.get(r, ()) for r, a in distinct], dtype=bool)
    said = [_reason(a, own=own.get(r, frozenset()), allowed=allowed, grid=grid) for r, a in distinct]
    codes = distinct.get_indexer(pairs)
    hit = bad[codes]
    reason = pd.Series(np.array(said, dtype=object)[codes][hit], dtype="str")
    found = rows[hit]
    return say("wrong_arm", found, reason=reason, field="")


def judge_presence(
    keys: pd.DataFrame, *, present: pd.DataFrame, allowed: Allowed, grid: EventGrid
) -> pd.DataFrame:
    """Warn of records of `keys` that REDCap holds in an arm where they may have no data."""
    if not allowed.ruled or present.empty:
        return collected([])
    held = present.iloc[:, : len(KEYS)].set_axis(list(KEYS), axis=1)
    held = held[held["record"].isin(set(keys["record"])) & held["event"].isin(grid.arm_of)]
    held = held.drop_duplicates(["record", "event"])
    arm = held["event"].map(grid.arm_of)
    foreign = [
        a not in allowed.shared and a not in allowed.own.get(record, ())
        for record, a in zip(held["record"], arm, strict=True)
    ]
    found = held[np.array(foreign, dtype=bool)]
    reason = "The record has data here already, in an arm where it may have none; look at it in REDCap."
    check = "cross_arm_presence"
    return say(check, found, reason=reason, field="")


def _inhabited(present: pd.DataFrame, *, record_field: str, grid: EventGrid) -> dict[str, frozenset[str]]:
    pairs = present[[record_field, "redcap_event_name"]].drop_duplicates()
    arms: dict[str, set[str]] = {}
    for record, event in zip(pairs[record_field], pairs["redcap_event_name"], strict=True):
        found = arms.setdefault(record, set())
        if event in grid.arm_of:
            found.add(grid.arm_of[event])
    return {record: frozenset(own) for record, own in arms.items()}


def _settled(pairs: pd.MultiIndex, *, own: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    """Where no rule names arms: a record that is new here settles in the one arm that it comes with."""
    arms_of: dict[str, frozenset[str]] = {}
    for record, arm in pairs:
        arms_of[record] = arms_of.get(record, frozenset()) | {arm}
    fresh = {record: arms for record, arms in arms_of.items() if record not in own and len(arms) == 1}
    return {**own, **fresh}


def _reason(arm: str, *, own: frozenset[str], allowed: Allowed, grid: EventGrid) -> str:
    where = f"The event is in arm {_spoken(arm, grid=grid)}"
    may = sorted(own | allowed.shared)
    if not own:
        return f"{where}, but no arm is known for this participant; assign one first."
    listed = ", ".join(_spoken(number, grid=grid) for number in may)
    return f"{where}, but this participant may have data only in {listed}; use the event of that arm."


def _spoken(arm: str, *, grid: EventGrid) -> str:
    name = grid.arms.get(arm, "")
    return f"{arm} ({name})" if name else arm
