"""The gate: every check in order, and what may be written in the end.

    columns -> keys -> only cells that differ -> places -> values -> changes -> arms -> rows -> volume

A fatal verdict refuses the run, a hold lets it wait for a person, an error stops its row and no other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

import pandas as pd
import pandera.pandas as pa

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.plan import CELL_COLUMNS, KEY_NAMES, KEYS, Plan, compare, empty_cells, keyed
from capstan.study import Limits, Study
from capstan.verdict import (
    Decision,
    Severity,
    collected,
    of_severity,
    project_verdict,
    rows_by_check,
)
from checks import arms, changes, frames, logic, placement, rows, values
from checks.catalogue import severity
from checks.placement import WHOLE


@dataclass(frozen=True)
class Rules:
    """Everything that the gate knows of project and study; the same for all tables of a run."""

    study: Study
    dictionary: Dictionary
    grid: EventGrid
    today: date

    @cached_property
    def values(self) -> pa.DataFrameSchema:
        """What each column may hold."""
        not_future = frozenset(self.study.checks.not_future)
        return values.value_schema(self.dictionary, not_future=not_future, today=self.today)

    @cached_property
    def forbidden(self) -> dict[str, str]:
        """Columns that must not be written, with the reason."""
        return dict(changes.forbidden_columns(self.study.writes, dictionary=self.dictionary))


@dataclass(frozen=True)
class Present:
    """What REDCap holds: a keyed frame of the wanted records, and the ids of all records.

    The frame has every column that the token may see of the fields in question, also where it has no rows.
    """

    frame: pd.DataFrame = field(repr=False)
    records: frozenset[str] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Judgement:
    """What the gate says of one table.

    `plan` has the accepted cells, `rejected` the stopped ones; `verdicts` has all verdicts. Of `rows_in`
    rows, those that are neither accepted nor rejected change nothing.
    """

    plan: Plan = field(repr=False)
    rejected: pd.DataFrame = field(repr=False)
    verdicts: pd.DataFrame = field(repr=False)
    rows_in: int
    rows_accepted: int
    rows_rejected: int
    normalised_cells: int

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


class _Bench:
    """The cells still in play while one check after the other stops rows, and all that was said."""

    def __init__(self, cells: pd.DataFrame) -> None:
        self.cells = cells
        self.rejected = cells.iloc[:0]
        self.heard: list[pd.DataFrame] = []

    def hear(self, found: pd.DataFrame) -> None:
        """Keep verdicts; those that are errors take the cells of their rows out."""
        self.heard.append(found)
        errors = of_severity(found, Severity.ERROR)
        if errors.empty:
            return
        stopped = changes.rows_of(errors)
        out = pd.MultiIndex.from_frame(self.cells[list(KEYS)]).isin(stopped)
        self.rejected = pd.concat([self.rejected, self.cells[out]])
        self.cells = self.cells[~out]


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
    normal = frames.normalise(_known_columns(wanted, rules=rules))
    table = _numbered(keyed(normal.frame, record_field=rules.dictionary.record_field), present=present.frame)
    keys = _keys(table)
    doubles = rows.judge_duplicates(keys, same=_all_same(table, keys=keys))
    table = table[~table.duplicated()].reset_index(drop=True)
    cells = _differences(table, present=present, rules=rules, blanks_erase=blanks_erase)
    bench = _Bench(cells)
    bench.hear(doubles[pd.MultiIndex.from_frame(doubles[list(KEYS)]).isin(changes.rows_of(cells))])
    bench.hear(_row_verdicts(cells, present=present, rules=rules, limits=limits))
    bench.hear(placement.judge_fields(bench.cells, dictionary=rules.dictionary, grid=rules.grid))
    visible = frozenset(present.frame.columns)
    bench.hear(_cell_verdicts(bench.cells, rules=rules, limits=limits, derived=derived, visible=visible))
    bench.hear(_arm_verdicts(bench.cells, table=table, present=present, rules=rules))
    bench.hear(
        logic.judge_rows(
            bench.cells, present=present.frame, dictionary=rules.dictionary, grid=rules.grid, now=now
        )
    )
    bench.hear(changes.judge_volume(bench.cells, known_records=present.records, limits=limits))
    return Judgement(
        plan=Plan(bench.cells[list(CELL_COLUMNS)].reset_index(drop=True)),
        rejected=bench.rejected[list(CELL_COLUMNS)].reset_index(drop=True),
        verdicts=collected([*bench.heard, *_all_or_nothing(bench.rejected, rules=rules)]),
        rows_in=len(wanted),
        rows_accepted=int(bench.cells["row"].nunique()),
        rows_rejected=int(bench.rejected["row"].nunique()),
        normalised_cells=normal.changed_cells,
    )


def _known_columns(wanted: pd.DataFrame, *, rules: Rules) -> pd.DataFrame:
    """Leave out the columns that REDCap admits and ignores."""
    known = {*rules.dictionary.by_column, *KEY_NAMES}
    return wanted[[name for name in wanted.columns if name in known]]


def _keys(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[:, : len(KEYS)].set_axis(list(KEYS), axis=1)


def _numbered(table: pd.DataFrame, *, present: pd.DataFrame) -> pd.DataFrame:
    """Give rows with the instance `new` the numbers that REDCap would give them: the next free ones.

    A row whose values an instance has already is taken for that one: importing a file again, after a crash
    or by mistake, adds nothing.
    """
    fresh = table["redcap_repeat_instance"].str.lower() == "new"
    if not fresh.any():
        return table
    numbered = table.copy()
    numbered.loc[fresh, "redcap_repeat_instance"] = _known_instances(table[fresh], present=present)
    fresh &= numbered["redcap_repeat_instance"] == ""
    group = list(table.columns[:3])
    used = pd.concat([present[list(table.columns[:4])], numbered.loc[~fresh, list(table.columns[:4])]])
    whole = used["redcap_repeat_instance"].str.fullmatch(WHOLE)
    number = pd.to_numeric(used["redcap_repeat_instance"].where(whole, "0"))
    last = number.groupby([used[name] for name in group]).max()
    places = pd.MultiIndex.from_frame(numbered.loc[fresh, group])
    start = last.reindex(places).fillna(0).to_numpy(dtype="int64")
    counted = start + numbered.loc[fresh].groupby(group).cumcount().to_numpy() + 1
    numbered.loc[fresh, "redcap_repeat_instance"] = counted.astype(str)
    return numbered


def _known_instances(new: pd.DataFrame, *, present: pd.DataFrame) -> list[str]:
    """The instance that holds a new row's values already, "" where none does; each is taken once."""
    shared = [name for name in new.columns[4:] if name in present.columns]
    group = list(new.columns[:3])
    held = present[present["redcap_repeat_instance"] != ""]
    instances = {place: rows.to_dict("records") for place, rows in held.groupby(group, sort=False)}
    found = []
    for row in new.to_dict("records"):
        there = instances.get(tuple(row[name] for name in group), [])
        told = [name for name in shared if row[name] != ""]
        fits = (one for one in there if told and all(one[name] == row[name] for name in told))
        match = next(fits, None)
        if match is not None:
            there.remove(match)
        found.append(str(match["redcap_repeat_instance"]) if match else "")
    return found


def _all_same(table: pd.DataFrame, *, keys: pd.DataFrame) -> pd.Series:
    """Whether all rows that share a row's key agree in every cell."""
    versions = (~table.duplicated()).groupby([keys[key] for key in KEYS]).transform("sum")
    return versions == 1


def _differences(table: pd.DataFrame, *, present: Present, rules: Rules, blanks_erase: bool) -> pd.DataFrame:
    """The cells that differ; a new record without any other value is a cell of its record id."""
    record_field = rules.dictionary.record_field
    cells = compare(table, present=present.frame, record_field=record_field, blanks_erase=blanks_erase)
    cells = changes.drop_equivalent(cells, dictionary=rules.dictionary)
    bare = ~table[record_field].isin(present.records | set(cells["record"].unique())).to_numpy()
    if not bare.any():
        return cells
    ids = _keys(table[bare]).assign(field=record_field, before="", after=table.loc[bare, record_field])
    ids.insert(0, "row", bare.nonzero()[0])
    return pd.concat([cells, ids], ignore_index=True)


def _row_verdicts(cells: pd.DataFrame, *, present: Present, rules: Rules, limits: Limits) -> pd.DataFrame:
    keys = cells[list(KEYS)].drop_duplicates()
    held = present.frame.iloc[:, : len(KEYS)].set_axis(list(KEYS), axis=1)
    return collected(
        [
            rows.judge_keys(
                keys, grid=rules.grid, known_records=present.records, may_create=limits.new_records > 0
            ),
            placement.judge_repeats(keys, grid=rules.grid),
            rows.judge_gaps(keys, present=held),
        ]
    )


def _cell_verdicts(
    cells: pd.DataFrame,
    *,
    rules: Rules,
    limits: Limits,
    derived: frozenset[str],
    visible: frozenset[str],
) -> pd.DataFrame:
    erasing = limits.blanked > 0
    return collected(
        [
            values.judge_values(cells, schema=rules.values, dictionary=rules.dictionary),
            changes.judge_changes(
                cells, forbidden=rules.forbidden, visible=visible, may_erase=erasing, derived=derived
            ),
        ]
    )


def _arm_verdicts(
    cells: pd.DataFrame, *, table: pd.DataFrame, present: Present, rules: Rules
) -> pd.DataFrame:
    """Judge arms last, so that an assignment counts only where nothing else speaks against its row."""
    sound = table.iloc[cells["row"].unique()]
    allowed = arms.allowed_arms(
        rules.study.arms,
        present=present.frame,
        wanted=sound,
        record_field=rules.dictionary.record_field,
        grid=rules.grid,
    )
    return arms.judge_arms(cells[list(KEYS)], allowed=allowed, grid=rules.grid)


def _all_or_nothing(rejected: pd.DataFrame, *, rules: Rules) -> list[pd.DataFrame]:
    if not rules.study.writes.stop_run_on_rejection or rejected.empty:
        return []
    reason = "The study writes all rows or none (writes.stop_run_on_rejection), and some were stopped."
    return [project_verdict("all_or_nothing", severity=severity("all_or_nothing"), reason=reason)]
