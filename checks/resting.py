"""Resting: what rows say together, judged again until no row falls with one that it rests on."""

from __future__ import annotations

from itertools import count

import numpy as np

from capstan.verdict import collected
from checks import arms, calculations, forms, identity, logic, rows, studyrules
from checks.bench import Bench
from checks.case import Case
from checks.columns import Bools
from checks.findings import Finding

# Each round judges all rows anew, so a longer chain of rows is cut: from then on records fall whole.
MAX_ROUNDS = 20


def judge_rest(bench: Bench, case: Case) -> arms.Allowed:
    """Judge what rests on other rows, and again while that takes rows out on which others rest.

    The first judgement is told whole; the next ones add only what takes further rows out.
    """
    left = bench.accepted
    allowed = _judge_once(bench, case)
    for number in count(1):
        fallen = left & ~bench.accepted
        if not fallen.any():
            break
        is_long = number > MAX_ROUNDS
        if is_long:
            _stop_records(bench, fallen)
        left = bench.accepted
        allowed = _judge_again(bench, case, by_record=is_long)
    return allowed


def _judge_once(bench: Bench, case: Case) -> arms.Allowed:
    """Judge what rows say together, once the plan is merged into what REDCap holds."""
    present, grid, study = case.present, case.rules.grid, case.rules.study
    allowed = _allowed_arms(bench, case)
    bench.hear(arms.judge_arms(bench.keys, allowed=allowed, grid=grid))
    bench.hear(arms.judge_presence(bench.keys, present=present.frame, allowed=allowed, grid=grid))
    bench.hear(identity.judge_identities(bench.cells(), present=present.identifiers, checks=study.checks))
    if len(bench.cells()):
        merged = _merged(bench, case)
        bench.hear(
            collected(
                [
                    logic.judge_rows(merged),
                    forms.judge_forms(merged, derived=case.derived),
                    calculations.judge_calculations(merged),
                    studyrules.judge_rules(merged, study=study),
                ]
            )
        )
    _judge_new_records(bench, case)
    return allowed


def _judge_again(bench: Bench, case: Case, *, by_record: bool) -> arms.Allowed:
    """Judge what takes out rows that rest on those that fell, and nothing else."""
    present, grid, checks = case.present, case.rules.grid, case.rules.study.checks
    allowed = _allowed_arms(bench, case)
    bench.hear(arms.judge_arms(bench.keys, allowed=allowed, grid=grid))
    cells = bench.cells()
    cells = cells.assign(row=cells["record"]) if by_record else cells
    bench.hear(identity.judge_unique(cells, present=present.identifiers, fields=checks.unique))
    if checks.rules and len(bench.cells()):
        bench.hear_errors(studyrules.judge_conditions(_merged(bench, case), rules=checks.rules))
    _judge_new_records(bench, case)
    return allowed


def _allowed_arms(bench: Bench, case: Case) -> arms.Allowed:
    """Tell the arms late, so that an assignment counts only where nothing else speaks against its row."""
    return arms.allowed_arms(
        case.rules.study.arms,
        present=case.present.frame,
        wanted=case.table.frame[bench.accepted],
        record_field=case.rules.dictionary.record_field,
        grid=case.rules.grid,
    )


def _merged(bench: Bench, case: Case) -> logic.Merged:
    rules = case.rules
    return logic.Merged.of(
        case.present.frame,
        cells=bench.cells(),
        dictionary=rules.dictionary,
        grid=rules.grid,
        now=case.now,
    )


def _judge_new_records(bench: Bench, case: Case) -> None:
    sheet, known, grid = case.table.sheet, case.present.records, case.rules.grid
    bench.note(
        rows.judge_new_records(sheet, kept=bench.accepted, stopped=bench.stopped, known=known, grid=grid)
    )


def _stop_records(bench: Bench, fallen: Bools) -> None:
    """Stop the rest of the records in which row after row falls with the one before."""
    records = bench.sheet.key_columns["record"].codes
    rest = np.flatnonzero(bench.accepted & np.isin(records, records[fallen]))
    reason = "Many rows of this record were stopped, each for the one before; correct the first of them."
    bench.note([Finding("rests_on_stopped", rest, "", reason)])
