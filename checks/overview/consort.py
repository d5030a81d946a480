"""The flow of participants, as CONSORT draws it: screened, excluded and why, eligible, randomized, arms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.arms import participant_arms
from capstan.eligibility import EligibilityStatus, check_eligibility
from capstan.logic import Layout
from capstan.overview import Panel
from checks.overview.enrolment import enrolment_event
from checks.overview.participants import Participants

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.page import ExclusionReason

Mask = npt.NDArray[np.bool_]
NOT_JUDGED, OTHER, NOT_YET = "not judged yet: values are missing", "another reason", "not randomized yet"
NO_ARM = "no arm"


class _Judged(NamedTuple):
    """Who is eligible, and the reason by participant who is not."""

    eligible: Mask
    reasons: npt.NDArray[np.object_]


def consort_event(study: Study) -> str:
    """The event on which the flow is asked; blank is a record's first row."""
    return study.page.consort.event or study.eligibility.event or enrolment_event(study)


def consort_panel(study: Study, participants: Participants, *, layout: Layout, now: datetime) -> Panel:
    """Count the flow: `step`, `reason` (blank for the whole of a step), `count`.

    Each participant has one reason in a step. Arms are the step `arm`, whose reason is the arm's name.
    """
    rules, event = study.page.consort, consort_event(study)
    screened = participants.hold(rules.screened_when, event=event)
    rows, judged = [("Screened", "", int(screened.sum()))], _judge(study, participants, now=now)
    eligible = screened
    if judged is not None:
        eligible = screened & judged.eligible
        excluded = judged.reasons[screened & ~judged.eligible]
        rows += [*_counted("Excluded", excluded), ("Eligible", "", int(eligible.sum()))]
    randomized, though = _randomized(study, participants), 0
    if randomized is not None:
        randomized = randomized & screened
        though = int((randomized & ~eligible).sum())
        left = eligible & ~randomized
        rows += _counted(
            "Not randomized", _reasons(rules.not_randomized, participants, event=event, other=NOT_YET)[left]
        )
        rows.append(("Randomized", "", int(randomized.sum())))
        rows += _arms(study, participants, randomized=randomized, layout=layout)
    table = pd.DataFrame(rows, columns=["step", "reason", "count"])
    note = f"{though:,} were randomized although they are not eligible now." if though else ""
    return Panel("consort", "Flow of participants", _said(table), table, note)


def _judge(study: Study, participants: Participants, *, now: datetime) -> _Judged | None:
    """Who is eligible by the page's own logic, else by the study's criteria; None where there is neither."""
    rules, event = study.page.consort, consort_event(study)
    if rules.eligible_when:
        eligible = participants.hold(rules.eligible_when, event=event)
        return _Judged(eligible, _reasons(rules.excluded, participants, event=event, other=OTHER))
    if not study.eligibility.criteria:
        if not rules.excluded:
            return None
        reasons = _reasons(rules.excluded, participants, event=event, other="")
        return _Judged(reasons == "", reasons)
    by_criteria = _by_criteria(study, participants, now=now)
    if not rules.excluded:
        return by_criteria
    said = _reasons(rules.excluded, participants, event=event, other="")
    return by_criteria._replace(reasons=np.where(said != "", said, by_criteria.reasons))


def _by_criteria(study: Study, participants: Participants, *, now: datetime) -> _Judged:
    """The first criterion that a participant fails, with all its values given, is the reason."""
    reasons = np.full(len(participants.records), "", dtype=object)
    eligible = np.ones(len(reasons), dtype=bool)
    for criterion in study.eligibility.criteria:
        part = study.eligibility.model_copy(update={"criteria": (criterion,)})
        alone = study.model_copy(update={"eligibility": part})
        found = check_eligibility(alone, participants.table, now=now).participants
        status = found.drop_duplicates("record").set_index("record")["status"].reindex(participants.records)
        eligible &= status.eq(EligibilityStatus.ELIGIBLE).to_numpy(dtype=bool)
        fails = status.eq(EligibilityStatus.INELIGIBLE).to_numpy(dtype=bool)
        reasons = np.where(fails & (reasons == ""), criterion.reason, reasons)
    return _Judged(eligible, np.where(reasons == "", NOT_JUDGED, reasons))


def _reasons(
    rules: Sequence[ExclusionReason], participants: Participants, *, event: str, other: str
) -> npt.NDArray[np.object_]:
    """The first reason that holds for each participant."""
    found = np.full(len(participants.records), other, dtype=object)
    for rule in reversed(rules):
        found = np.where(participants.hold(rule.when, event=event), rule.reason, found)
    return found


def _randomized(study: Study, participants: Participants) -> Mask | None:
    """Who is randomized; None in a study that assigns no arm and does not say it otherwise."""
    said, by = study.page.consort.randomized_when, study.arms.assigned_by
    if said:
        return participants.hold(said, event=consort_event(study))
    return participants.hold(f"[{by.field}] <> ''", event=by.event) if by else None


def _arms(
    study: Study, participants: Participants, *, randomized: Mask, layout: Layout
) -> Iterator[tuple[str, str, int]]:
    """Those randomized by the name of their arm, in the order of arms."""
    if study.arms.assigned_by is None:
        return
    assigned = participant_arms(
        participants.table.data,
        study.arms.assigned_by,
        record_field=layout.record_field,
        events=layout.events,
    ).reindex(participants.records)[randomized]
    named = {str(number): name for _, _, number, name in layout.events}
    named |= {str(number): name for number, name in study.page.consort.arms.items()}
    counts = assigned.fillna("").value_counts()
    for number in sorted(counts.index, key=lambda arm: (arm == "", int(arm or 0))):
        yield "arm", named.get(number) or (f"Arm {number}" if number else NO_ARM), int(counts[number])


def _counted(step: str, reasons: npt.NDArray[np.object_]) -> list[tuple[str, str, int]]:
    counts = pd.Series(reasons, dtype=object).value_counts()
    ordered = sorted(counts.items(), key=lambda pair: (-int(pair[1]), str(pair[0])))
    return [(step, str(reason), int(count)) for reason, count in ordered]


def _said(table: pd.DataFrame) -> str:
    main = table[table["reason"] == ""]
    parts = [f"{count:,} {step.lower()}" for step, count in zip(main["step"], main["count"], strict=True)]
    return f"{', '.join(parts)}."
