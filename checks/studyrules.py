"""Study rules: what the study itself expects of rows, of the day of each visit, and of those it assigns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from capstan.eligibility import EligibilityStatus, check_eligibility
from capstan.errors import CapstanError
from capstan.needs import eligibility_fields, visit_fields
from capstan.plan import KEYS
from capstan.study import CheckRule, Study
from capstan.verdict import collected
from capstan.visits import compute_visits
from checks.catalogue import say
from checks.conditions import judge_condition
from checks.logic import Merged


def judge_rules(merged: Merged, *, study: Study) -> pd.DataFrame:
    """Judge the study's rules on the rows that a plan touches; returns verdicts."""
    return collected(
        [
            judge_conditions(merged, rules=study.checks.rules),
            judge_participants(merged, study=study),
        ]
    )


def judge_participants(merged: Merged, *, study: Study) -> pd.DataFrame:
    """Judge the days of visits, and who is assigned to an arm; returns verdicts."""
    return collected([*_visit_days(merged, study=study), *_assigned_though_ineligible(merged, study=study)])


def judge_conditions(merged: Merged, *, rules: Iterable[CheckRule]) -> pd.DataFrame:
    """Judge the study's own conditions alone; returns verdicts."""
    return collected(part for rule in rules for part in judge_condition(rule, merged=merged))


def _visit_days(merged: Merged, *, study: Study) -> Iterator[pd.DataFrame]:
    """Warn of visits whose day, written by this plan, is outside the window."""
    fields = {visit.name: visit.took_place for visit in study.visits if visit.took_place}
    written = merged.cells[merged.cells["field"].isin(fields.values())]
    lacking = visit_fields(study, dictionary=merged.dictionary) - set(merged.table.data.columns)
    if written.empty or lacking:
        return
    frame = merged.table.data[merged.keys["record"].isin(set(written["record"]))]
    try:
        due = compute_visits(study, frame.reset_index(drop=True), layout=merged.table.layout, now=merged.now)
    except CapstanError:
        return  # `capstan doctor` says what is wrong with the visits
    due = due.assign(field=due["visit"].map(fields))
    told = written.merge(due, on=["record", "event", "field"])
    day = told["after"].str[:10]
    outside = ((told["opens"] != "") & (day < told["opens"])) | (
        (told["closes"] != "") & (day > told["closes"])
    )
    reason = "The visit took place outside its window; correct the day, or note the deviation."
    check = "visit_window"
    yield say(check, told[outside], reason=reason)


def _assigned_though_ineligible(merged: Merged, *, study: Study) -> Iterator[pd.DataFrame]:
    """Warn of participants whom this plan assigns to an arm although they do not meet the criteria."""
    assigned_by = study.arms.assigned_by
    if assigned_by is None or not study.eligibility.criteria:
        return
    assigned = merged.cells[(merged.cells["field"] == assigned_by.field) & (merged.cells["before"] == "")]
    lacking = eligibility_fields(study, dictionary=merged.dictionary) - set(merged.table.data.columns)
    if assigned.empty or lacking:
        return
    try:
        found = check_eligibility(study, merged.table, now=merged.now).participants
    except CapstanError:
        return  # `capstan doctor` says what is wrong with the criteria
    barred = set(found.loc[found["status"] == EligibilityStatus.INELIGIBLE, "record"])
    rows = assigned[assigned["record"].isin(barred)].drop_duplicates(list(KEYS))
    reason = "The participant is assigned to an arm and does not meet the study's criteria; check them."
    yield say("eligibility", rows, reason=reason)
