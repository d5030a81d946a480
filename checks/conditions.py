"""Conditions: the rows whose change breaks what the study expects of its data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from capstan.errors import LogicError
from capstan.logic import Expression, Table, parse
from capstan.study import CheckRule
from capstan.verdict import Severity, verdicts
from checks.catalogue import say_of_run, severity
from checks.logic import Merged

# What these say rests on values alone: whoever changes none breaks nothing, and whoever changes one may break
# it for other rows. Other rules say which rows may be written at all, such as those of the consenting.
OF_VALUES = frozenset({"date_order", "age_vs_dob", "sex_specific"})


def judge_condition(rule: CheckRule, *, merged: Merged) -> Iterator[pd.DataFrame]:
    """Say which rows of a plan break a rule of the study.

    That is a changed row that does not meet it. For a rule on values it is also one that changes what the
    rule reads so that another row of the record, which met it, does not any more.
    """
    try:
        condition = _Condition(rule, parse(rule.when), parse(rule.expect), merged)
        broken, causes = condition.own(), condition.causes()
    except LogicError:
        broken = causes = None
    if broken is None or causes is None:
        check, reason = (
            "logic_not_evaluated",
            f"The study's rule {rule.id} could not be computed: not checked.",
        )
        yield say_of_run(check, reason)
        return
    reach = Severity(rule.severity) if rule.severity else severity(rule.check)
    reason = f"{rule.reason} (rule {rule.id})"
    yield verdicts(merged.keys.loc[broken], check=rule.check, severity=reach, reason=reason, field="")
    yield verdicts(causes, check=rule.check, severity=reach, reason=reason)


@dataclass(frozen=True)
class _Condition:
    rule: CheckRule
    when: Expression
    expect: Expression
    merged: Merged

    @cached_property
    def is_told(self) -> bool:
        """Whether the export has everything that the rule reads."""
        return self.merged.reads(self.when) and self.merged.reads(self.expect)

    @cached_property
    def read_cells(self) -> pd.DataFrame:
        """The changed cells that the rule reads."""
        read = {*self.when.fields, *self.expect.fields}
        read -= {self.merged.dictionary.record_field}
        columns = {name for name, item in self.merged.dictionary.by_column.items() if item.name in read}
        return self.merged.cells[self.merged.cells["field"].isin(columns)]

    @cached_property
    def asked(self) -> pd.Index:
        """The changed rows that the rule is about."""
        cells = self.read_cells if self.rule.check in OF_VALUES else self.merged.cells
        if self.rule.forms:
            cells = cells[cells["form"].isin(self.rule.forms)]
        if self.rule.event:
            cells = cells[cells["event"] == self.rule.event]
        rows: pd.Index = pd.Index(cells["place"].unique())
        return rows

    def own(self) -> pd.Index | None:
        """The changed rows that do not meet the rule; None where that cannot be told."""
        return self._broken(self.merged.table, rows=self.asked) if self.is_told else None

    def causes(self) -> pd.DataFrame | None:
        """The changed cells by which other rows of their record do not meet the rule any more."""
        if not self.is_told:
            return None
        keys = self.merged.keys
        cells = self.read_cells if self.rule.check in OF_VALUES else self.read_cells.iloc[:0]
        others = self._possible(keys.index[keys["record"].isin(cells["record"])]).difference(self.asked)
        broken = self._broken(self.merged.table, rows=others)
        if len(broken):
            broken = broken.difference(self._broken(self._before(), rows=broken))
        return cells[cells["record"].isin(keys.loc[broken, "record"])]

    def _broken(self, table: Table, *, rows: pd.Index) -> pd.Index:
        applies, holds = (
            table.truth(expression, now=self.merged.now, rows=rows) for expression in (self.when, self.expect)
        )
        broken: pd.Index = rows[(applies & ~holds).to_numpy()]
        return broken

    def _possible(self, rows: pd.Index) -> pd.Index:
        """The rows that may hold what the rule is about."""
        keys, grid = self.merged.keys.loc[rows], self.merged.grid
        here = keys["event"] == self.rule.event if self.rule.event else pd.Series(True, index=rows)
        if self.rule.forms:
            places = pd.MultiIndex.from_frame(keys[["event", "instrument"]])
            there = {
                (event, form if (event, form) in grid.repeating else "")
                for event, form in grid.designated
                if form in self.rule.forms
            }
            here &= places.isin(there)
        possible: pd.Index = rows[here.to_numpy()]
        return possible

    def _before(self) -> Table:
        """What REDCap holds of the records in which something that the rule reads changes."""
        keys = self.merged.keys
        data = self.merged.table.data[keys["record"].isin(self.read_cells["record"])].copy()
        for field, told in self.read_cells.groupby("field"):
            data.loc[told["place"], str(field)] = told["before"].to_numpy()
        return Table(data, self.merged.table.layout)
