"""Looking: a project is exported once, judged by the rules, measured, and its queries are brought in line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from capstan.store.query_settling import Settled
from tasks.auditing import audit_rows
from tasks.connections import LiveProject
from tasks.judging import refuse_empty
from tasks.pages.visits import show_export
from tasks.quality.comparing import Compared, compare_with_history
from tasks.quality.exporting import export_project
from tasks.quality.findings import findings_of, project_findings
from tasks.quality.part import Part
from tasks.quality.query_sheet import plan_sheet, read_answers
from tasks.quality.settling import settle


@dataclass(frozen=True, eq=False, repr=False)
class Look:
    """What a look came to, in counts and names: rows by check and by REDCap's letter, expectations by result.

    `hidden` counts records with queries that were not to be seen; `has_news` says that REDCap's query
    instrument is to be written. `verdicts` are the rules' own; `accepted` counts findings that
    `quality.exceptions` takes out.
    """

    records: int
    rows: int
    checks: Mapping[str, int]
    letters: Mapping[str, int]
    settled: Settled
    compared: Compared = field(default_factory=Compared)
    hidden: int = 0
    answers: int = 0
    has_news: bool = False
    verdicts: pd.DataFrame = field(default_factory=pd.DataFrame)
    accepted: int = 0


def look_at_project(live: LiveProject, part: Part, *, now: datetime, dry_run: bool) -> Look:
    """Look at a project, all of it or a part, and keep what was found; a dry run keeps nothing.

    `now` is from before the export, so that what is changed meanwhile is looked at by the next run.
    """
    export = export_project(live)
    records = frozenset(export[live.dictionary.record_field])
    refuse_empty(live, records=records, now=now, may_be_new=True)
    audit = audit_rows(live, export, now=now)
    compared = Compared()
    if part.is_whole:
        compared = compare_with_history(live, export, now=now, dry_run=dry_run)
        if not dry_run:
            show_export(live, export, now=now)
    findings = [findings_of(live, audit.verdicts, export=export), project_findings(live, compared.failed)]
    outcome = settle(
        live,
        part,
        findings=part.of(pd.concat(findings, ignore_index=True)),
        records=records,
        unjudged={one.id for one in compared.unjudged} | _not_made(live, audit.verdicts),
        now=now,
        dry_run=dry_run,
    )
    # After queries are settled, so that an answer counts for what the cell holds now.
    answers = 0 if dry_run else read_answers(live, export=export, now=now)
    is_written = not dry_run and live.study.quality.queries.instrument is not None
    return Look(
        len(records),
        len(export),
        audit.checks,
        audit.letters,
        outcome.settled,
        compared,
        outcome.hidden,
        answers,
        is_written and plan_sheet(live, export=export).is_new,
        audit.verdicts,
        audit.accepted,
    )


def _not_made(live: LiveProject, verdicts: pd.DataFrame) -> set[str]:
    """The study's own rules that said nothing, if one of them could not be computed."""
    study = live.study
    is_of_study = (verdicts["check"] == "logic_not_evaluated") & (verdicts["field"] == "")
    if not (is_of_study & (verdicts["record"] == "")).any():
        return set()
    own = {rule.check for rule in study.quality.rules} | {rule.check for rule in study.checks.rules}
    return own - set(verdicts["check"])
