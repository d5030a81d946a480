"""Which part of a project a look is about: all of it, or some events and forms."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from capstan.errors import UsageError
from capstan.project_names import nearest
from tasks.connections import LiveProject


@dataclass(frozen=True)
class Part:
    """Some events and forms of a project; all of them where blank. Only the whole is measured."""

    events: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.events and not self.forms

    def of(self, findings: pd.DataFrame) -> pd.DataFrame:
        """The findings (`FINDING_COLUMNS`) that are about this part."""
        chosen = pd.Series(True, index=findings.index)
        if self.events:
            chosen &= findings["event"].isin(list(self.events))
        if self.forms:
            chosen &= findings["form"].isin(list(self.forms))
        return findings[chosen].reset_index(drop=True)


def choose_part(live: LiveProject, *, events: Collection[str], forms: Collection[str]) -> Part:
    """Say what a look is about; raises UsageError for an event or form that the project lacks."""
    for kind, names, known in (
        ("event", events, live.grid.names),
        ("form", forms, live.dictionary.forms),
    ):
        for name in names:
            if name not in known:
                raise UsageError(f"There is no {kind} {name!r}; {nearest(name, known)}.")
    return Part(frozenset(events), frozenset(forms))
