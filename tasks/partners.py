"""Partners: what those who contact participants themselves say of them, compared with REDCap."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from capstan.arms import events_of_records, participant_arms
from capstan.errors import UsageError
from capstan.needs import partner_fields
from capstan.plan import KEY_NAMES, compare, overlay
from capstan.roster.comparison import ROSTER_CHECKS, RosterPlan, compare_roster
from capstan.study.notices import Partner
from capstan.verdict import collected
from checks.case import Present
from checks.catalogue import say
from tasks.connections import LiveProject
from tasks.redcap import export_records
from tasks.shield import effect, run_logger


@dataclass(frozen=True, eq=False, repr=False)
class Comparisons:
    """What REDCap should hold by some rosters, what it holds, and what is said of rows that stay out."""

    wanted: pd.DataFrame
    present: Present
    heard: pd.DataFrame
    counts: dict[str, dict[str, int]]


def choose_partners(live: LiveProject, *, name: str) -> tuple[Partner, ...]:
    """The study's partners, or one by its name; raises UsageError where there is none."""
    partners = live.study.partners
    chosen = tuple(one for one in partners if name in ("", one.name))
    if not chosen:
        listed = ", ".join(one.name for one in partners) or "none; add one to partners in its study.yaml"
        raise UsageError(f"The study has no such partner (found: {listed}).")
    return chosen


@effect("compare rosters")
def compare_rosters(live: LiveProject, *, rosters: dict[str, pd.DataFrame]) -> Comparisons:
    """Compare rosters, by the partner's name, with what REDCap holds; nothing is written."""
    partners = [one for one in live.study.partners if one.name in rosters]
    fields = partner_fields(partners, live.study, dictionary=live.dictionary)
    frame, name = export_records(live, fields=fields), live.layout.record_field
    plans = {one.name: _compare(live, one, roster=rosters[one.name], frame=frame) for one in partners}
    wanted = overlay([plan.wanted for plan in plans.values()], record_field=name)
    counts = {f"roster of {partner}": plan.counts for partner, plan in plans.items()}
    for told in counts.values():
        run_logger().info("compared: %s", told)
    heard = collected(_verdicts(plan) for plan in plans.values())
    return Comparisons(wanted, Present(frame, frozenset(frame[name])), heard, counts)


def count_differences(live: LiveProject, found: Comparisons) -> dict[str, int]:
    """How many cells differ, by field."""
    record_field = live.layout.record_field
    cells = compare(found.wanted, present=found.present.frame, record_field=record_field)
    return {str(name): int(count) for name, count in cells["field"].value_counts().sort_index().items()}


def _compare(live: LiveProject, partner: Partner, *, roster: pd.DataFrame, frame: pd.DataFrame) -> RosterPlan:
    names = {one.event for one in partner.compare}
    return compare_roster(
        roster,
        partner,
        ids=_ids(live, partner, frame=frame),
        layout=live.layout,
        events={name: _events(live, frame, name=name) for name in names},
    )


def _ids(live: LiveProject, partner: Partner, *, frame: pd.DataFrame) -> pd.Series[str]:
    """Each record's id at the partner, by record; its own where the study names no field."""
    record_field = live.layout.record_field
    records: pd.Index[str] = pd.Index(frame[record_field].unique())
    if not partner.field:
        return pd.Series(records, index=records, dtype="str")
    chosen = (frame[partner.field] != "") & (frame[KEY_NAMES[1]] == "")
    if partner.event:
        chosen &= frame[KEY_NAMES[0]] == partner.event
    found = frame[chosen].drop_duplicates(record_field).set_index(record_field)[partner.field]
    return found.str.strip().reindex(records).fillna("").astype("str")


def _events(live: LiveProject, frame: pd.DataFrame, *, name: str) -> dict[str, str]:
    study, events = live.study, live.layout.events
    record_field = live.layout.record_field
    assigned = participant_arms(frame, study.arms.assigned_by, record_field=record_field, events=events)
    records: pd.Index[str] = pd.Index(frame[record_field].unique())
    found = events_of_records(name, records=records, assigned=assigned, arms=study.arms, events=events)
    return {str(record): str(event) for record, event in found.items()}


def _verdicts(plan: RosterPlan) -> pd.DataFrame:
    return collected(
        say(check, places, reason=ROSTER_CHECKS[check]) for check, places in plan.oddities.items()
    )
