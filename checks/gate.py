"""The gate: every check in order, and what may be written in the end.

    columns -> only cells that differ -> keys -> places -> values and changes -> arms -> identities
            -> what rows say together -> new records whole -> volume

A fatal verdict refuses the run, a hold lets it wait for a person, an error stops its row and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.plan import CELL_COLUMNS, KEY_NAMES, KEYS, Plan, empty_cells
from capstan.study import Limits, Study
from capstan.verdict import (
    Decision,
    Severity,
    collected,
    of_severity,
    project_verdict,
    rows_by_check,
)
from checks import (
    arms,
    calculations,
    changes,
    forms,
    frames,
    identity,
    logic,
    placement,
    rows,
    studyrules,
    suggestions,
    values,
)
from checks.bench import Bench
from checks.catalogue import severity
from checks.tables import Wanted, read_wanted

Hear = Callable[[pd.DataFrame], None]


@dataclass(frozen=True)
class Rules:
    """Everything that the gate knows of project and study; the same for all tables of a run."""

    study: Study
    dictionary: Dictionary
    grid: EventGrid
    today: date

    @cached_property
    def values(self) -> dict[str, tuple[values.Rule, ...]]:
        """What each column may hold."""
        return dict(values.value_rules(self.dictionary, checks=self.study.checks, today=self.today))

    @cached_property
    def forbidden(self) -> dict[str, str]:
        """Columns that must not be written, with the reason."""
        return dict(changes.forbidden_columns(self.study.writes, dictionary=self.dictionary))

    @property
    def assigning(self) -> str:
        """The field that says a participant's arm, "" for none."""
        assigned_by = self.study.arms.assigned_by
        return assigned_by.field if assigned_by else ""


@dataclass(frozen=True)
class Present:
    """What REDCap holds: a keyed frame of the wanted records, and the ids of all records.

    The frame has every column that the token may see of the fields in question, also where it has no rows.
    `identifiers` is a keyed frame of the study's unique and personal fields (`capstan.needs.identity_fields`)
    of all records, and `groups` the access group of each record; without them nothing is said of these.
    """

    frame: pd.DataFrame = field(repr=False)
    records: frozenset[str] = field(repr=False)
    identifiers: pd.DataFrame | None = field(default=None, repr=False)
    groups: dict[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Judgement:
    """What the gate says of one table.

    `plan` has the accepted cells, `rejected` the stopped ones; `verdicts` has all verdicts. Of `rows_in`
    rows, those that are neither accepted nor rejected change nothing. `suggestions` (row of the table,
    column, text) are corrections of stopped cells: participants' values, for a corrected file alone.
    """

    plan: Plan = field(repr=False)
    rejected: pd.DataFrame = field(repr=False)
    verdicts: pd.DataFrame = field(repr=False)
    rows_in: int
    rows_accepted: int
    rows_rejected: int
    normalised_cells: int
    suggestions: pd.DataFrame = field(default_factory=suggestions.none, repr=False)

    def __post_init__(self) -> None:
        """No row is lost, and none is counted twice."""
        if not 0 <= self.rows_accepted + self.rows_rejected <= self.rows_in:
            raise ValueError("rows in are not those accepted, rejected and unchanged")

    @property
    def decision(self) -> Decision:
        """What becomes of the run."""
        if len(of_severity(self.verdicts, Severity.FATAL)):
            return Decision.REFUSE
        return Decision.HOLD if len(of_severity(self.verdicts, Severity.HOLD)) else Decision.APPLY

    @property
    def errors(self) -> pd.DataFrame:
        """The verdicts that stopped something."""
        return of_severity(self.verdicts, Severity.FATAL, Severity.HOLD, Severity.ERROR)

    def counts(self) -> dict[str, object]:
        """The judgement in numbers, free of values: what logs, artifacts and reports may show."""
        stopped = of_severity(self.verdicts, Severity.ERROR)
        warned = of_severity(self.verdicts, Severity.WARNING)
        return {
            "rows_in": self.rows_in,
            "rows_unchanged": self.rows_in - self.rows_accepted - self.rows_rejected,
            "rows_accepted": self.rows_accepted,
            "rows_rejected": self.rows_rejected,
            "cells_planned": len(self.plan.cells),
            "cells_normalised": self.normalised_cells,
            "rows_stopped": dict(rows_by_check(stopped)),
            "rows_warned": dict(rows_by_check(warned)),
        }


class Case(NamedTuple):
    """One table before the gate, and all that it is judged by."""

    table: Wanted
    present: Present
    rules: Rules
    limits: Limits
    now: datetime
    derived: frozenset[str]


def judge(
    wanted: pd.DataFrame,
    *,
    present: Present,
    rules: Rules,
    limits: Limits,
    now: datetime,
    blanks_erase: bool = False,
    derived: frozenset[str] = frozenset(),
) -> Judgement:
    """Judge a flat table of wanted values (text, as a CSV for import has them).

    Blank cells mean "leave as it is" unless `blanks_erase`. `derived` names columns that the run itself
    computes. Only cells that differ from `present` are judged. Never raises because of data.
    """
    header = frames.judge_columns(list(wanted.columns), dictionary=rules.dictionary, grid=rules.grid)
    if len(header):
        return Judgement(Plan(empty_cells()), empty_cells(), header, len(wanted), 0, len(wanted), 0)
    table = read_wanted(
        _known_columns(wanted, rules=rules),
        present=present.frame,
        records=present.records,
        dictionary=rules.dictionary,
        blanks_erase=blanks_erase,
    )
    case = Case(table, present, rules, limits, now, derived)
    bench = judge_places_and_cells(case)
    bench.hear(identity.judge_groups(wanted, keys=table.sheet.keys, rows=table.rows, groups=present.groups))
    allowed = _judge_rest(bench, case)
    _judge_volume(bench, case)
    corrected = suggestions.suggest(table, bench=bench, allowed=allowed, rules=rules, records=present.records)
    return _judgement(bench, case, rows_in=len(wanted), corrected=corrected)


def judge_places_and_cells(case: Case) -> Bench:
    """Judge every row's keys and every cell by itself: all that needs no other row."""
    bench = Bench(case.table.sheet)
    _judge_rows(bench, case)
    _judge_cells(bench, case)
    return bench


def _judgement(bench: Bench, case: Case, *, rows_in: int, corrected: pd.DataFrame) -> Judgement:
    accepted, rejected = bench.cells(), bench.rejected()
    return Judgement(
        plan=Plan(accepted[list(CELL_COLUMNS)].reset_index(drop=True)),
        rejected=rejected[list(CELL_COLUMNS)].reset_index(drop=True),
        verdicts=collected([*bench.verdicts(), *_all_or_nothing(rejected, rules=case.rules)]),
        rows_in=rows_in,
        rows_accepted=int(bench.accepted.sum()),
        rows_rejected=int(bench.stopped.sum()),
        normalised_cells=case.table.tidied_cells,
        suggestions=corrected,
    )


def _judge_rows(bench: Bench, case: Case) -> None:
    """Judge the keys of the rows that would change anything."""
    sheet, grid = case.table.sheet, case.rules.grid
    asked = sheet.touched.copy()
    if len(case.table.doubles):  # once for each key
        asked[asked] = ~sheet.keys[asked].duplicated().to_numpy()
    # A row without values says nothing of its record, but it must not name a place that there is not.
    placed = asked | (sheet.is_new & ~sheet.touched & ~sheet.key_columns["record"].is_blank)
    held = case.present.frame.iloc[:, : len(KEYS)].set_axis(list(KEYS), axis=1)
    known = rows.Known(
        case.present.records,
        may_create=case.limits.new_records > 0,
        only_new=case.rules.study.writes.only_new,
        pattern=case.rules.study.checks.record_id,
    )
    bench.hear(case.table.doubles)
    bench.note(
        [
            *rows.judge_records(sheet, asked=asked, known=known),
            *rows.judge_events(sheet, asked=placed, grid=grid),
            *placement.judge_repeats(sheet, asked=placed, grid=grid),
            *rows.judge_gaps(sheet, asked=asked, present=held),
        ]
    )


def _judge_cells(bench: Bench, case: Case) -> None:
    """Judge where each cell is, what it holds and what it changes."""
    sheet, rules = case.table.sheet, case.rules
    bench.note(placement.judge_fields(sheet, alive=bench.alive, dictionary=rules.dictionary, grid=rules.grid))
    leave = changes.Leave(
        forbidden=rules.forbidden,
        visible=frozenset(case.present.frame.columns),
        may_erase=case.limits.blanked > 0,
        derived=case.derived,
        assigning=rules.assigning,
    )
    found = values.judge_values(sheet, alive=bench.alive, rules=rules.values)
    bench.note([*found, *changes.judge_changes(sheet, alive=bench.alive, leave=leave)])
    bench.hear(values.judge_knowledge(sheet.changed_columns, dictionary=rules.dictionary))


def _judge_rest(bench: Bench, case: Case) -> arms.Allowed:
    """Judge what rests on other rows, and again while that takes rows out on which others rest.

    The first judgement is told whole; what the next ones add are the rows that lost what they rested on.
    """
    hear = bench.hear
    while True:
        before = int(bench.accepted.sum())
        allowed = _judge_arms(bench, case, hear=hear)
        _judge_together(bench, case, hear=hear)
        if int(bench.accepted.sum()) == before:
            return allowed
        hear = bench.hear_errors


def _judge_arms(bench: Bench, case: Case, *, hear: Hear) -> arms.Allowed:
    """Judge arms late, so that an assignment counts only where nothing else speaks against its row."""
    present, grid = case.present.frame, case.rules.grid
    allowed = arms.allowed_arms(
        case.rules.study.arms,
        present=present,
        wanted=case.table.frame[bench.accepted],
        record_field=case.rules.dictionary.record_field,
        grid=grid,
    )
    hear(arms.judge_arms(bench.keys, allowed=allowed, grid=grid))
    hear(arms.judge_presence(bench.keys, present=present, allowed=allowed, grid=grid))
    return allowed


def _judge_together(bench: Bench, case: Case, *, hear: Hear) -> None:
    """Judge what rows say together, once the plan is merged into what REDCap holds."""
    rules, present = case.rules, case.present
    checks = rules.study.checks
    hear(identity.judge_identities(bench.cells(), present=present.identifiers, checks=checks))
    if len(bench.cells()):
        merged = logic.Merged.of(
            present.frame, cells=bench.cells(), dictionary=rules.dictionary, grid=rules.grid, now=case.now
        )
        hear(
            collected(
                [
                    logic.judge_rows(merged),
                    forms.judge_forms(merged, derived=case.derived),
                    calculations.judge_calculations(merged),
                    studyrules.judge_rules(merged, study=rules.study),
                ]
            )
        )
    sheet, known = case.table.sheet, present.records
    bench.note(
        rows.judge_new_records(
            sheet, kept=bench.accepted, stopped=bench.stopped, known=known, grid=rules.grid
        )
    )


def _judge_volume(bench: Bench, case: Case) -> None:
    """Judge how much would change, by what is left."""
    cells = bench.cells()
    bench.hear(changes.judge_volume(cells, known_records=case.present.records, limits=case.limits))
    free = cells[~cells["field"].isin(case.derived)] if case.derived else cells
    limit = case.limits.same_value
    bench.hear(changes.judge_collapse(free, limit=limit))


def _known_columns(wanted: pd.DataFrame, *, rules: Rules) -> pd.DataFrame:
    """Leave out the columns that REDCap admits and ignores."""
    known = {*rules.dictionary.by_column, *KEY_NAMES}
    return wanted[[name for name in wanted.columns if name in known]]


def _all_or_nothing(rejected: pd.DataFrame, *, rules: Rules) -> list[pd.DataFrame]:
    if not rules.study.writes.stop_run_on_rejection or rejected.empty:
        return []
    reason = "The study writes all rows or none (writes.stop_run_on_rejection), and some were stopped."
    return [project_verdict("all_or_nothing", severity=severity("all_or_nothing"), reason=reason)]
