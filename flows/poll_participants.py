"""Poll participants: what changed in REDCap since the last poll, and the fields that follow from it."""

from __future__ import annotations

from datetime import date

from capstan.needs import eligibility_fields, eligibility_targets, visit_fields, visit_targets
from capstan.plan import overlay
from capstan.store.states import RunState
from checks.case import Present
from flows.job import MaxRecords, MaxShare, Summary, chosen_limits, job
from tasks.judging import refuse_empty
from tasks.polling import changed_records, remember_poll
from tasks.redcap import export_records, list_records
from tasks.rules import apply_eligibility_rules, apply_visit_rules
from tasks.shield import study_flow


@study_flow("poll-participants")
def poll_participants(
    study: str,
    dry_run: bool = False,
    today: date | None = None,
    everybody: bool = False,
    max_records: MaxRecords = None,
    max_share: MaxShare = None,
    triggered: bool = False,
) -> Summary:
    """Compute visits and eligibility of the participants whose records changed since the last poll.

    Args:
        study: The name of the study.
        dry_run: Judge and report, write nothing.
        today: The day to compute for, instead of today in the study's time zone.
        everybody: Take all participants, whether changed or not, as the first poll does.
        max_records: Records that this run may change, instead of the study's limit.
        max_share: Share of all records, from 0 to 1, that this run may change.
        triggered: Take only the participants for whom a trigger asked for this since its last run.
    """
    with job(study, flow="poll_participants", dry_run=dry_run, today=today) as current:
        live = current.live
        limits = chosen_limits(live.study.writes.limits, max_records=max_records, max_share=max_share)
        records = list_records(live)
        refuse_empty(live, records=records, now=current.now, may_be_new=False)
        changed = current.asked_records & records
        if not triggered:
            changed |= records if everybody else changed_records(live, records=records)
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
        summary = current.apply(frame, present=Present(export, records), limits=limits, derived=derived)
        if summary["outcome"] in ("done", "idle") and not (dry_run or today or triggered):
            remember_poll(live, started=current.started)
        return summary
