"""Poll participants: what changed in REDCap since the last poll, and the fields that follow from it."""

from __future__ import annotations

from capstan.needs import eligibility_fields, eligibility_targets, visit_fields, visit_targets
from capstan.plan import overlay
from capstan.store.states import RunState
from checks.case import Present
from flows.job import Job, Summary, chosen_limits, job
from flows.parameters import (
    Day,
    DryRun,
    EventName,
    Everybody,
    MaxRecords,
    MaxShare,
    Participant,
    StudyName,
    Triggered,
)
from flows.scope import Scope, choose_scope
from tasks.judging import refuse_empty
from tasks.polling import changed_records, remember_poll
from tasks.redcap import export_records, list_records
from tasks.rules import apply_eligibility_rules, apply_visit_rules
from tasks.shield import study_flow


@study_flow("poll-participants")
def poll_participants(
    study: StudyName,
    participant: Participant = "",
    event: EventName = "",
    everybody: Everybody = False,
    today: Day = None,
    dry_run: DryRun = False,
    max_records: MaxRecords = None,
    max_share: MaxShare = None,
    triggered: Triggered = False,
) -> Summary:
    """Compute visits and eligibility of the participants whose records changed since the last poll.

    Args:
        study: The name of the study.
        participant: The reference of one participant, changed or not. Never a record id, which would be kept.
        event: The unique name of one event, on which alone something is written; all if blank.
        everybody: Take all participants, whether changed or not, as the first poll does.
        today: The day to compute for, instead of today in the study's time zone.
        dry_run: Judge and report, write nothing.
        max_records: Records that this run may change, instead of the study's limit.
        max_share: Share of all records, from 0 to 1, that this run may change.
        triggered: Take only the participants for whom a trigger asked for this since its last run.
    """
    with job(study, flow="poll_participants", dry_run=dry_run, today=today, looks_later=True) as current:
        live = current.live
        limits = chosen_limits(live.study.writes.limits, max_records=max_records, max_share=max_share)
        scope = choose_scope(current, participant=participant, event=event, triggered=triggered)
        records = list_records(live) if scope.known is None else scope.known
        refuse_empty(live, records=records, now=current.now, may_be_new=False)
        changed = _changed(current, scope, records=records, everybody=everybody)
        current.details["records_changed"] = len(changed)
        if not changed:
            return current.finish(state=RunState.IDLE, counts={"cells_written": 0}, outcome="idle")
        needed = visit_fields(live.study, dictionary=live.dictionary)
        if live.study.eligibility.criteria:
            needed |= eligibility_fields(live.study, dictionary=live.dictionary)
        export = export_records(live, fields=needed, records=changed)
        wanted = [apply_visit_rules(live, export=export, now=current.now)]
        if live.study.eligibility.criteria:
            wanted.append(apply_eligibility_rules(live, export=export, now=current.now))
        for part in wanted:
            current.details |= part.counts
        frame = overlay([part.frame for part in wanted], record_field=live.dictionary.record_field)
        derived = visit_targets(live.study) | eligibility_targets(live.study)
        present = Present(export, records)
        summary = current.apply(scope.of(frame), present=present, limits=limits, derived=derived)
        is_whole = not (participant or event or today or triggered)
        if summary["outcome"] in ("done", "idle") and is_whole and not dry_run:
            remember_poll(live, started=current.started)
        return summary


def _changed(current: Job, scope: Scope, *, records: frozenset[str], everybody: bool) -> frozenset[str]:
    """The records that a poll is for: those of its scope, else all that changed or that triggers named."""
    if scope.records is not None:
        return scope.records
    if everybody:
        return records
    return (current.asked_records & records) | changed_records(current.live, records=records)
