"""The gate: every check in order, and what may be written in the end.

    columns -> only cells that differ -> keys -> places -> values and changes -> arms -> identities
            -> what rows say together -> new records whole -> volume

A fatal verdict refuses the run, a hold lets it wait for a person, an error stops its row and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import pandas as pd

from capstan.plan import CELL_COLUMNS, KEY_NAMES, KEYS, Plan, empty_cells
from capstan.study import Limits
from capstan.verdict import collected
from checks import changes, frames, identity, placement, rows, suggestions, values
from checks.bench import Bench
from checks.case import Case, Present, Rules
from checks.catalogue import say_of_run
from checks.judgement import Judgement
from checks.resting import judge_rest
from checks.tables import read_wanted


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
    bench.hear(
        identity.judge_beginnings(
            wanted,
            keys=table.sheet.keys,
            rows=table.rows,
            records=present.records,
            beginnings=rules.study.checks.record_id_groups,
        )
    )
    allowed = judge_rest(bench, case)
    _judge_volume(bench, case)
    suggest = partial(
        suggestions.suggest, table, bench=bench, allowed=allowed, rules=rules, records=present.records
    )
    return _judgement(bench, case, rows_in=len(wanted), suggest=suggest)


def judge_places_and_cells(case: Case) -> Bench:
    """Judge every row's keys and every cell by itself: all that needs no other row."""
    bench = Bench(case.table.sheet)
    _judge_rows(bench, case)
    _judge_cells(bench, case)
    return bench


def _judgement(bench: Bench, case: Case, *, rows_in: int, suggest: Callable[[], pd.DataFrame]) -> Judgement:
    accepted, rejected = bench.cells(), bench.rejected()
    return Judgement(
        plan=Plan(accepted[list(CELL_COLUMNS)].reset_index(drop=True)),
        rejected=rejected[list(CELL_COLUMNS)].reset_index(drop=True),
        verdicts=collected([*bench.verdicts(), *_all_or_nothing(rejected, rules=case.rules)]),
        rows_in=rows_in,
        rows_accepted=int(bench.accepted.sum()),
        rows_rejected=int(bench.stopped.sum()),
        normalised_cells=case.table.tidied_cells,
        suggest=suggest,
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
        digit=case.rules.study.checks.record_id_digit,
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
    bench.hear(
        values.judge_knowledge(
            sheet.changed_columns, dictionary=rules.dictionary, listed=rules.study.checks.sql_choices
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
    return [say_of_run("all_or_nothing", reason)]
