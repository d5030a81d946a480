"""The story of a run: what there is to tell of it, as its page gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from capstan.dictionary import Dictionary
from capstan.events import EventGrid
from capstan.plan import KEY_NAMES
from checks.identity import GROUP_COLUMN

OUTCOME_COLUMNS = ("field", "event", "outcome")
BATCH_COLUMNS = ("batch", "action", "cells", "rows", "state", "seconds")


@dataclass(frozen=True)
class ProjectNames:
    """The names that a project has; what a file has in the place of one may be somebody's."""

    fields: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()

    @classmethod
    def of(cls, dictionary: Dictionary, *, grid: EventGrid) -> ProjectNames:
        """The names of a project."""
        own = {GROUP_COLUMN, *KEY_NAMES}
        fields = own | set(dictionary.by_column) | set(dictionary.by_name)
        return cls(frozenset(fields), frozenset(dictionary.forms), frozenset(grid.names))


@dataclass(frozen=True, eq=False)
class RunStory:
    """What is known of a run.

    `said` is what stands above all; `facts` are told in a table, `counts` too. `about` is what the journal
    keeps of it (`cells`, `steps`, `versions`, `digests`). `outcomes` has `OUTCOME_COLUMNS` of each journaled
    cell, `batches` `BATCH_COLUMNS`. `verdicts` and the `examples` among them have `VERDICT_COLUMNS` and
    `link`; the examples have in `record` what may stand there for a participant, the id with
    `names_records`.
    """

    said: str
    facts: Mapping[str, str]
    counts: Mapping[str, int]
    about: Mapping[str, Any]
    outcomes: pd.DataFrame = field(repr=False)
    batches: pd.DataFrame = field(repr=False)
    verdicts: pd.DataFrame = field(repr=False)
    examples: pd.DataFrame = field(repr=False)
    names: ProjectNames = field(repr=False)
    has_written: bool
    names_records: bool = False
