"""Trials of a growing project: which expectations fail on a night, and when a fault is found."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from capstan.quality.expected import Expected
from capstan.quality.measures import PLACE
from checks.quality.asked import Asked
from checks.quality.asking import ALWAYS, ask_project, days_wanted
from tests.spec.history_faults import Fault
from tests.spec.project_history import FAULT_NIGHT, FIRST_NIGHT, History, at, day_of

LOOKS_AFTER = (1, 7, 14, 21, 28)
Judge = Callable[[Asked], list[Expected]]


class Nights:
    """What was measured on each night so far, or on each `step`-th; a fault begins where the clean ones end."""

    def __init__(
        self, history: History, before: dict[int, pd.DataFrame] | None = None, *, step: int = 1
    ) -> None:
        self.history = history
        self.measured = dict(before or {})
        self.step = step

    def measures(self, night: int) -> pd.DataFrame:
        if night not in self.measured:
            last = max((one for one in self.measured if one < night), default=None)
            before = None if last is None else self.measured[last]
            self.measured[night] = self.history.measures(night, before=before)
        return self.measured[night]

    def asked(self, night: int) -> Asked:
        """What is expected on a night by all the nights before it."""
        past = range(FIRST_NIGHT, night, self.step)
        whole = days_wanted([day_of(one) for one in past], today=day_of(night))
        # In the order of the nights: each keeps to what was usual before.
        parts = [at(self._known(one, is_whole=day_of(one) in whole), one) for one in past]
        return ask_project(
            self.history.study,
            self.history.dictionary,
            self.history.grid,
            measures=self.measures(night),
            history=pd.concat(parts, ignore_index=True)
            if parts
            else at(self.measures(night).iloc[:0], night),
            today=day_of(night),
        )

    def _known(self, night: int, *, is_whole: bool) -> pd.DataFrame:
        """What the store gives back of a night: of most nights only counts."""
        measures = self.measures(night)
        return measures if is_whole else measures[measures["measure"].isin(list(ALWAYS))]

    def befallen(self, fault: Fault) -> Nights:
        """The same nights with a fault from `FAULT_NIGHT` on."""
        before = {night: told for night, told in self.measured.items() if night < FAULT_NIGHT}
        return Nights(fault.befall(self.history), before, step=self.step)


def judge_measures(asked: Asked) -> list[Expected]:
    """The expectations on measures that are not met; a tiny judge beside Great Expectations."""
    values = asked.measures.set_index(list(PLACE))["value"].to_dict()
    return [
        one
        for one in asked.expected
        if one.asset == "measures"
        and not one.waits
        and not one.allows(values[one.measure, one.form, one.field, one.event, one.site])
    ]


def raised_on(nights: Nights, chosen: Iterable[int], judge: Judge = judge_measures) -> dict[int, list[str]]:
    """The ids of what is not met on some nights."""
    found = {night: [one.id for one in judge(nights.asked(night))] for night in chosen}
    return {night: ids for night, ids in found.items() if ids}


def nights_to_find(nights: Nights, fault: Fault, judge: Judge = judge_measures) -> int | None:
    """After how many nights an expectation of the fault's own kind fails; None where none does in time."""
    for after in LOOKS_AFTER:
        if after > fault.nights:
            return None
        night = FAULT_NIGHT + after - 1
        if any(one.kind in fault.kinds for one in judge(nights.asked(night))):
            return after
    return None
