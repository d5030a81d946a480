"""The case: one table before the gate, and all that it is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.study import Limits, Study
from checks import changes, value_rules
from checks.tables import Wanted


@dataclass(frozen=True)
class Rules:
    """Everything that the gate knows of project and study; the same for all tables of a run."""

    study: Study
    dictionary: Dictionary
    grid: EventGrid
    today: date

    @cached_property
    def values(self) -> dict[str, tuple[value_rules.Rule, ...]]:
        """What each column may hold."""
        return dict(value_rules.value_rules(self.dictionary, checks=self.study.checks, today=self.today))

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
    groups: Mapping[str, str] | None = field(default=None, repr=False)


class Case(NamedTuple):
    """One table before the gate, and all that it is judged by."""

    table: Wanted
    present: Present
    rules: Rules
    limits: Limits
    now: datetime
    derived: frozenset[str]
