"""The job: what every writing flow has in common, from the open project to the ended run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import pandas as pd

from capstan.errors import (
    CapstanError,
    PutOff,
    RedcapBanned,
    RedcapUnavailable,
    Refused,
    StoreError,
)
from capstan.plan import KEYS
from capstan.store import Asked
from capstan.store.rows import Run
from capstan.store.states import RunState
from capstan.study import Limits
from capstan.verdict import NO_VERDICTS, Decision, Severity, collected, of_severity, rows_by_check
from checks.case import Present
from checks.changes import rows_of
from checks.judgement import Judgement
from tasks.applying import released, use_approval
from tasks.asked import read_asked, settle_asked
from tasks.connections import LiveProject, refuse_production
from tasks.day import acted_day
from tasks.drift import note_changes, refuse_drift
from tasks.journal import begin_run, end_run, give_up, record_judgement, record_verdicts
from tasks.judging import judge_plan, with_verdicts
from tasks.messages.notices import tell_of_failure, tell_of_run
from tasks.messages.outage_news import tell_of_outage
from tasks.pages.run_page import renew_run_pages
from tasks.plans import HeldPlan, hold_run
from tasks.putting_off import put_off
from tasks.quarantine import answer_items, keep_rejected
from tasks.report import publish_report
from tasks.shield import flow_run_id
from tasks.step_times import timing_steps
from tasks.turns import turn_of
from tasks.visiting import visiting
from tasks.writing import write_cells

Summary = dict[str, Any]


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


@dataclass
class Job:
    """One run in progress: a study's open project, the journal's row, and two times.

    `now` is the time to compute for, `started` the real one; `asked` is for which records triggers asked for
    this flow; `note` is for the journal, and `summary` is what the run came to, once it has ended.
    `is_partial` says that a part was left undone already, and `has_compared` that the project was compared
    with what it was at the last run.
    """

    live: LiveProject
    run: Run
    now: datetime
    started: datetime
    asked: tuple[Asked, ...] = ()
    details: Summary = field(default_factory=dict)
    note: str = ""
    is_partial: bool = False
    summary: Summary = field(default_factory=dict)
    has_compared: bool = False

    def apply(
        self,
        wanted: pd.DataFrame,
        *,
        present: Present,
        limits: Limits,
        blanks_erase: bool = False,
        derived: Collection[str] = (),
        waiting: HeldPlan | None = None,
        heard: pd.DataFrame = NO_VERDICTS,
    ) -> Summary:
        """Judge wanted values and, if the gate lets them, write them; returns the summary.

        `waiting` is the approved plan that they come from, and nothing else is written; `heard` are
        verdicts on rows that were left out of `wanted`. Raises Refused where what it writes was redesigned.
        """
        if not self.has_compared:
            self.note_changes()
        refuse_drift(self.live, wanted)
        judgement = judge_plan(
            self.live,
            wanted=wanted,
            present=present,
            limits=limits,
            now=self.now,
            blanks_erase=blanks_erase,
            derived=derived,
        )
        judgement = with_verdicts(judgement, heard=heard)
        if waiting:
            judgement = released(judgement, waiting=waiting)
        self.run = record_judgement(self.live, self.run, judgement=judgement, given=wanted, now=utc_now())
        if not self.run.dry_run:
            keep_rejected(self.live, self.run, cells=judgement.rejected, now=utc_now())
            if judgement.decision is Decision.HOLD:
                return self._hold(judgement, limits=limits, derived=derived)
        if judgement.decision is not Decision.APPLY or self.run.dry_run or judgement.plan.is_empty:
            return self._nothing_written(judgement, given=wanted)
        if waiting:
            use_approval(self.live, self.run, waiting=waiting, now=utc_now())
        return self._write(judgement, given=wanted, expected=present)

    @property
    def asked_records(self) -> frozenset[str]:
        """The records for which triggers asked for this flow."""
        return frozenset(one.record for one in self.asked) - {""}

    def note_changes(self) -> None:
        """Put into the summary what people redesigned since the last run."""
        self.has_compared = True
        changes = note_changes(self.live, dry_run=self.run.dry_run, now=self.started)
        if changes:
            self.details["project_changes"] = [str(change) for change in changes]

    def finish(self, *, state: RunState, counts: Mapping[str, int], outcome: str) -> Summary:
        """End the run without any plan, such as when nothing changed."""
        if self.is_partial and outcome == state.value:
            state, outcome = RunState.PARTLY, RunState.PARTLY.value
        self.run = end_run(self.live, self.run, state=state, now=utc_now(), counts=counts)
        return self._publish(outcome=outcome, counts=dict(counts))

    def _hold(self, judgement: Judgement, *, limits: Limits, derived: Collection[str]) -> Summary:
        self.run = hold_run(
            self.live, self.run, plan=judgement.plan, limits=limits, derived=derived, now=utc_now()
        )
        self.details["plan"] = judgement.plan.digest
        return self._report(judgement, outcome="held")

    def _nothing_written(self, judgement: Judgement, *, given: pd.DataFrame) -> Summary:
        refused = judgement.decision is not Decision.APPLY
        outcome = {Decision.HOLD: "held", Decision.REFUSE: "refused"}.get(judgement.decision, "idle")
        state = RunState.REFUSED if refused else RunState.IDLE
        if outcome == "idle" and not judgement.plan.is_empty:
            outcome = "dry run"
        if outcome == "idle" and self.is_partial:
            state, outcome = RunState.PARTLY, RunState.PARTLY.value
        if not refused and not self.run.dry_run:
            answer_items(self.live, self.run, given=given, stopped=judgement.errors, now=utc_now())
        self.run = end_run(self.live, self.run, state=state, now=utc_now(), counts={})
        return self._report(judgement, outcome=outcome)

    def _write(self, judgement: Judgement, *, given: pd.DataFrame, expected: Present) -> Summary:
        cells = judgement.plan.cells
        written = write_cells(self.live, self.run, cells=cells, clock=utc_now, expected=expected)
        self.run = record_verdicts(self.live, self.run, heard=written.verdicts, now=utc_now())
        late = cells[pd.MultiIndex.from_frame(cells[list(KEYS)]).isin(rows_of(written.verdicts))]
        keep_rejected(self.live, self.run, cells=late, now=utc_now())
        stopped = collected([judgement.errors, written.verdicts])
        answer_items(self.live, self.run, given=given, stopped=stopped, now=utc_now())
        state = RunState.DONE if written.is_complete and not self.is_partial else RunState.PARTLY
        self.run = end_run(
            self.live, self.run, state=state, now=utc_now(), counts=written.counts, note=self.note
        )
        return self._report(judgement, outcome=state.value, written=written.counts, heard=written.verdicts)

    def _report(
        self,
        judgement: Judgement,
        *,
        outcome: str,
        written: Mapping[str, int] | None = None,
        heard: pd.DataFrame | None = None,
    ) -> Summary:
        verdicts = collected([judgement.verdicts, *([] if heard is None else [heard])])
        stopped = dict(rows_by_check(of_severity(verdicts, Severity.ERROR)))
        whole = dict(rows_by_check(of_severity(verdicts, Severity.FATAL, Severity.HOLD)))
        counts = {**judgement.counts(), "cells_written": 0, **(written or {}), "rows_stopped": stopped}
        counts |= {"run_stopped": whole} if whole else {}
        return self._publish(outcome=outcome, counts={"decision": judgement.decision.value, **counts})

    def _publish(self, *, outcome: str, counts: Mapping[str, Any]) -> Summary:
        self.summary = {
            "run": self.run.id,
            "study": self.live.study.study,
            "flow": self.run.flow,
            "outcome": outcome,
            "dry_run": self.run.dry_run,
            "flow_run": flow_run_id(),
            **self.details,
            **counts,
        }
        publish_report(self.summary)
        return self.summary


@contextmanager
def job(
    study: str,
    *,
    flow: str,
    dry_run: bool,
    today: date | None = None,
    reverts: str | None = None,
    looks_later: bool = False,
) -> Iterator[Job]:
    """Open a study's project and a run in the journal; an error ends the run as failed or refused.

    `today` is a day to compute for, at noon in the study's zone, instead of now; a rehearsal may have one.
    A flow that mostly finds nothing to do `looks_later` at what people redesigned: when it has something.
    """
    with timing_steps(), telling_of_failure(study, flow=flow, dry_run=dry_run), ExitStack() as opened:
        with nullcontext() if dry_run else turn_of(study):
            # A run can be undone even after the project lost a field that the rules name.
            visit = visiting(
                study, check_rules=reverts is None, flow=flow, dry_run=dry_run, looks_later=looks_later
            )
            live, started = opened.enter_context(visit), utc_now()
            run = begin_run(live, flow=flow, now=started, dry_run=dry_run, reverts=reverts)
        now = _computed_for(live, today, now=started)
        current = Job(live, run, now, started, read_asked(live, flow=flow))
        # At the very end, of a run that failed, too.
        opened.callback(lambda: renew_run_pages(live, current.run, now=utc_now()))
        with _ended(current):
            yield current
    if current.summary and not dry_run:
        with suppress(CapstanError):  # whoever hears of a run must not change what became of it
            tell_of_run(study, summary=current.summary, now=utc_now())


def _computed_for(live: LiveProject, today: date | None, *, now: datetime) -> datetime:
    day = today or acted_day()
    return datetime.combine(day, time(12), live.study.zone) if day else now


@contextmanager
def _ended(current: Job) -> Iterator[None]:
    """End the run with what was asked for: struck off if it was seen to, else due again."""
    dry_run = current.run.dry_run
    try:
        if current.live.is_read:
            current.note_changes()
        if not dry_run:
            refuse_production(current.live)
        yield
        if not dry_run and current.now == current.started:
            _settle(current, is_done=current.summary.get("outcome") != "refused")
    except BaseException as error:
        _give_up(current, error)
        raise


@contextmanager
def telling_of_failure(study: str, *, flow: str, dry_run: bool) -> Iterator[None]:
    """Tell staff of an error that ends a run, if no person is looking at it as at a dry one.

    A run that is put off is no failure: staff are told once why, and it is asked for again.
    """
    try:
        yield
    except PutOff as error:
        put_off(error, study, flow=flow, dry_run=dry_run)
        raise
    except Exception as error:
        if not dry_run:
            _tell_of_failure(study, flow=flow, error=error)
        raise


def _tell_of_failure(study: str, *, flow: str, error: Exception) -> None:
    """Tell of an error, or of the outage that it is a part of: of many runs' failures once."""
    with suppress(CapstanError):
        if isinstance(error, RedcapUnavailable | RedcapBanned) and tell_of_outage(study, now=utc_now()):
            return
    with suppress(CapstanError):
        tell_of_failure(study, flow=flow, error=error, now=utc_now())


def chosen_limits(
    limits: Limits,
    *,
    max_records: int | None = None,
    max_share: float | None = None,
    max_blanked: int | None = None,
    max_new_records: int | None = None,
) -> Limits:
    """The study's limits, with those that a person raised for this run alone."""
    given = {
        "records": max_records,
        "share": max_share,
        "blanked": max_blanked,
        "new_records": max_new_records,
    }
    return limits.model_copy(update={name: value for name, value in given.items() if value is not None})


def _give_up(current: Job, error: BaseException) -> None:
    if isinstance(error, CapstanError):
        error.run = current.run.id
    refused = isinstance(error, Refused) and current.run.state is RunState.OPEN
    state = RunState.REFUSED if refused else RunState.FAILED
    with suppress(StoreError):  # the first error is the one to tell
        if not current.run.dry_run:
            _settle(current, is_done=False)
        give_up(current.live, current.run, state=state, note=type(error).__name__, now=utc_now())


def _settle(current: Job, *, is_done: bool) -> None:
    settle_asked(current.live, current.asked, is_done=is_done, now=utc_now())
