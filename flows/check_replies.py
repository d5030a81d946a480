"""Check replies: what participants wrote, acted on at once, answered, and written down in REDCap."""

from __future__ import annotations

from capstan.needs import inbound_targets
from capstan.store.states import RunState
from flows.job import Job, Summary, job, utc_now
from flows.parameters import DryRun, StudyName
from tasks.messages.replies import act_on_replies
from tasks.messages.reply_desk import (
    Heard,
    count_replies,
    match_replies,
    queue_answers,
    send_answers,
    settle_replies,
)
from tasks.messages.reply_places import plan_replies
from tasks.shield import study_flow


@study_flow("check-replies")
def check_replies(study: StudyName, dry_run: DryRun = False) -> Summary:
    """Act on the texts that came in since the last run, and write each down as a new instance.

    Args:
        study: The name of the study.
        dry_run: Say what the texts mean and what would be written; do nothing.
    """
    if not dry_run:
        # Before anything that may fail: a STOP holds, and staff are called, also while REDCap is down.
        act_on_replies(study, now=utc_now())
    with job(study, flow="check_replies", dry_run=dry_run, looks_later=True) as current:
        heard = match_replies(current.live, now=current.started, dry_run=dry_run)
        current.details |= count_replies(heard)
        if dry_run or not heard:
            return _write_down(current, heard)
        current.details["answers"] = {
            "queued": queue_answers(current.live, current.run, heard=heard, now=utc_now())
        }
        summary = _write_down(current, heard)
        # What the gate refused as a whole is tried again by the next run.
        if summary["outcome"] != "refused":
            settle_replies(current.live, heard=heard, now=utc_now())
        return summary | {"attempts": send_answers(current.live)}


def _write_down(current: Job, heard: tuple[Heard, ...]) -> Summary:
    """Write the replies of participants into REDCap, through the gate, and end the run."""
    live = current.live
    plan = plan_replies(live, heard=heard) if heard else None
    if plan is None or plan.wanted.empty:
        return current.finish(state=RunState.IDLE, counts={"cells_written": 0}, outcome="idle")
    limits = live.study.writes.limits
    # What was written to us is a fact: how many did it is no reason to hold it back.
    most = {"records": max(limits.records, len(heard)), "share": 1, "field_share": 1}
    # A mark that is taken back may leave a blank, as there was before.
    most["blanked"] = max(limits.blanked, plan.erased)
    return current.apply(
        plan.wanted,
        present=plan.present,
        limits=limits.model_copy(update=most),
        blanks_erase=True,
        derived=inbound_targets(live.study),
    )
