"""Which arm a participant is in, and which event of a visit that makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from capstan.plan import KEY_NAMES

if TYPE_CHECKING:
    from capstan.study import Arms, Assignment

Events = tuple[tuple[str, str, Any, str], ...]
"""(unique name, label, arm number, arm name) in project order; empty for a classic project."""


def participant_arms(
    frame: pd.DataFrame, assigned_by: Assignment | None, *, record_field: str, events: Events
) -> pd.Series[str]:
    """Give the assigned arm number (text) by record, for records that have one.

    Only the assigning field on its own event and on rows that do not repeat decides, never the event
    names of other rows: data may be in a wrong arm. Without an event, a record's first value counts.
    A code means the arm that the study maps it to, else the arm of that name, else of that number.
    """
    if assigned_by is None or assigned_by.field not in frame.columns:
        return pd.Series({}, dtype="str")
    chosen = (frame[KEY_NAMES[1]] == "") & (frame[KEY_NAMES[2]] == "")
    if assigned_by.event:
        chosen &= frame[KEY_NAMES[0]] == assigned_by.event
    rows = frame.loc[chosen, [record_field, assigned_by.field]]
    codes = rows[assigned_by.field]
    arm_of_code = {code: arm_of(code, assigned_by=assigned_by, events=events) for code in codes.unique()}
    decided = rows.assign(arm=codes.map(arm_of_code)).query("arm != ''").drop_duplicates(record_field)
    return decided.set_index(record_field)["arm"]


def arm_of(code: str, *, assigned_by: Assignment, events: Events) -> str:
    """Give the arm number (text) that a code of the assigning field means; "" if none."""
    if code in assigned_by.arms:
        return str(assigned_by.arms[code])
    arms = {str(number): name.lower() for _, _, number, name in events}
    named = next((number for number, name in arms.items() if name and name == code.lower()), code)
    return named if named in arms else ""


def complete_event(event: str, *, arm: str, events: Iterable[str]) -> str:
    """Complete a partial event name by an arm: `6_month` and 2 give `6_month_arm_2`; "" if there is none.

    A unique event name stays as it is.
    """
    known = frozenset(events)
    whole = f"{event}_arm_{arm}"
    if event in known:
        return event
    return whole if arm and whole in known else ""


def events_by_arm(event: str, *, events: Events) -> Mapping[str, str]:
    """Map arm number to the unique event that a study's `event` means in that arm.

    A whole name belongs to one arm; a part such as `6_month` to each arm that has it; empty if to none.
    """
    names = [name for name, _, _, _ in events]
    found = {str(arm): complete_event(event, arm=str(arm), events=names) for _, _, arm, _ in events}
    home = {name: str(arm) for name, _, arm, _ in events}
    return {arm: name for arm, name in found.items() if name and home[name] == arm}


def events_of_records(
    event: str, *, records: pd.Index[str], assigned: pd.Series[str], arms: Arms, events: Events
) -> pd.Series[str]:
    """Give each record's event by record; "" for those who have none, such as unrandomized participants.

    The assigned arm's event goes before a shared arm's. Without an assigning field, an event that is
    only in one arm is everybody's.
    """
    if not events:
        return pd.Series("", index=records, dtype="str")
    by_arm = events_by_arm(event, events=events)
    shared = next((by_arm[str(arm)] for arm in arms.shared if str(arm) in by_arm), "")
    if arms.assigned_by is None and len(by_arm) == 1:
        shared = next(iter(by_arm.values()))
    own = assigned.map(dict(by_arm)).reindex(records)
    return own.where(own.notna(), shared).astype("str")
