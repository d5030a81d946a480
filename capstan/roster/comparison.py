"""Compares a partner's roster with REDCap: what the fields should hold, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from capstan.choices import code_of_word
from capstan.logic import Layout
from capstan.plan import KEY_NAMES, KEYS, keyed, overlay

if TYPE_CHECKING:
    from capstan.study.notices import Comparison, Partner

ROSTER_CHECKS = {
    "roster_unknown": "The roster names a participant whom REDCap does not have.",
    "roster_shared": "Several records have this participant's id, so nothing was compared.",
    "roster_contradiction": "The roster has this participant more than once, and its rows differ.",
    "roster_value": "The field has no choice for what the roster says; add it to values in study.yaml.",
    "roster_absent": "The roster lacks this participant.",
}
"""What is said of rows that cannot be compared, by the check's id."""


@dataclass(frozen=True, eq=False, repr=False)
class RosterPlan:
    """What REDCap should hold by a roster, as a keyed frame in which a blank leaves a cell as it is.

    `counts` are rows of the roster by what became of them; `oddities` are places (`KEYS` and field) by check.
    """

    wanted: pd.DataFrame
    counts: dict[str, int]
    oddities: Mapping[str, pd.DataFrame]


def compare_roster(
    roster: pd.DataFrame,
    partner: Partner,
    *,
    ids: pd.Series[str],
    layout: Layout,
    events: Mapping[str, Mapping[str, str]],
) -> RosterPlan:
    """Compare a roster (`read_roster`) with a project.

    `ids` are the participants' ids by record, blank for records that the partner does not know; `events`
    gives by event name of the comparisons each record's own event. Of a participant who stands in the
    roster twice, rows that say the same count once.
    """
    named = roster[roster[partner.participant] != ""].drop_duplicates()
    who = named[partner.participant]
    known = ids[ids != ""]
    twice = who.duplicated(keep=False)
    shared = who.isin(known[known.duplicated(keep=False)])
    unknown = ~who.isin(known)
    sound = named[~(twice | shared | unknown)]
    alone = known.drop_duplicates(keep=False)
    records = pd.Series(alone.index, index=alone.to_numpy())
    rows = sound.assign(record=records.reindex(sound[partner.participant]).to_numpy())
    parts = [_part(rows, one, layout=layout, events=events[one.event]) for one in partner.compare]
    absent = known[~known.isin(who)] if partner.field else known[:0]
    oddities = {
        "roster_unknown": _places(who[unknown].unique()),
        "roster_shared": _places(known[known.isin(who[shared])].index),
        "roster_contradiction": _places(who[twice & ~shared & ~unknown].unique()),
        "roster_value": pd.concat([odd for _, odd in parts], ignore_index=True),
        "roster_absent": _places(absent.index),
    }
    counts = {
        "rows": len(roster),
        "without an id": int((roster[partner.participant] == "").sum()),
        "compared": len(rows),
        "unknown": int(unknown.sum()),
        "not in the roster": int((~known.isin(who)).sum()),
    }
    wanted = overlay(
        [keyed(part, record_field=layout.record_field) for part, _ in parts], record_field=layout.record_field
    )
    return RosterPlan(wanted, counts, oddities)


def _part(
    rows: pd.DataFrame, one: Comparison, *, layout: Layout, events: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What one field should hold, and the places of values that it does not take."""
    choices = layout.choices.get(one.field)
    said = rows[one.column]
    codes = {text: _code(text, one, choices=choices) for text in said.unique()}
    values = said.map(codes)
    homes = rows["record"].map(dict(events)).fillna("")
    is_there = (homes != "") | (not layout.events)
    odd = _places(rows.loc[values.isna(), "record"], event=homes[values.isna()], field=one.field)
    chosen = is_there & values.notna() & (values != "")
    keys = {layout.record_field: rows.loc[chosen, "record"], KEY_NAMES[0]: homes[chosen]}
    return pd.DataFrame({**keys, one.field: values[chosen]}, dtype="str"), odd


def _code(text: str, one: Comparison, *, choices: Mapping[str, str] | None) -> str | None:
    """What the field holds for what the roster says; None where a choice field has nothing for it."""
    value = one.values.get(text, text)
    return code_of_word(value, choices) if choices and value else value


def _places(records: object, *, event: object = "", field: str = "") -> pd.DataFrame:
    columns = dict.fromkeys([*KEYS, "field"], "") | {"field": field}
    found = pd.DataFrame({"record": list(records)}, dtype="str")  # type: ignore[call-overload]
    placed = found.assign(**{name: text for name, text in columns.items() if name != "record"})
    return placed.assign(event=list(event)) if not isinstance(event, str) else placed  # type: ignore[call-overload]
