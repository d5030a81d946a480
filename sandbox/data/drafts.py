"""Changes to rows on their way into the store: values, what is computed from them, and the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sandbox.data import logs
from sandbox.data.locking import guard_of
from sandbox.data.recompute import recompute
from sandbox.project.parts import RowKey
from sandbox.session import Session
from sandbox.storage import Store
from sandbox.storage.values import Cells

NOTHING: Cells = {}


@dataclass
class Draft:
    """All rows of some records as they are stored, and what is to change: '' erases."""

    stored: dict[RowKey, Cells]
    changed: dict[RowKey, Cells] = field(default_factory=dict)

    def want(self, key: RowKey, cells: Cells) -> None:
        """Take over values by `item`, as far as they differ from what is stored; later ones win."""
        stored, known = self.stored.get(key, NOTHING), self.changed.get(key)
        differing = {name: value for name, value in cells.items() if stored.get(name, "") != value}
        if known is not None:
            # An earlier value for the same cell does not count any more.
            for name in cells:
                known.pop(name, None)
            known |= differing
        elif differing:
            self.changed[key] = differing

    def value(self, key: RowKey, name: str) -> str:
        """Return a value as it will be."""
        stored = self.stored.get(key, NOTHING).get(name, "")
        return self.changed.get(key, NOTHING).get(name, stored)

    def start_forms(self, key: RowKey, forms: Iterable[str]) -> None:
        """Give forms without a status the status Incomplete (D.9)."""
        stored, changed = self.stored.get(key, NOTHING), self.changed.get(key, NOTHING)
        statuses = (f"{form}_complete" for form in forms)
        self.want(key, {name: "0" for name in statuses if not changed.get(name, stored.get(name))})

    def rows(self) -> dict[RowKey, Cells]:
        """Return all rows as they will be."""
        return self.stored | {key: self.stored.get(key, {}) | cells for key, cells in self.changed.items()}


def load_draft(store: Store, project_id: int, *, records: Sequence[str]) -> Draft:
    """Start with what is stored of some records."""
    return Draft(dict(store.values.rows(project_id, records)))


def write(session: Session, draft: Draft) -> dict[RowKey, Cells]:
    """Store a draft with what is computed from it, and log both; returns the computed values."""
    store, project_id, rows = session.store, session.project_id, draft.rows()
    computed = recompute(session.project, rows, changed=draft.changed, now=session.now)
    computed = guard_of(session).without_refused(computed)
    store.values.replace(
        project_id, {key: rows[key] | computed.get(key, NOTHING) for key in draft.changed | computed}
    )
    known = {key.record for key in draft.stored}
    entries = logs.change_rows(session, draft.changed, known=known, source=session.source)
    known |= {key.record for key in draft.changed}
    entries += logs.change_rows(session, computed, known=known, source=logs.COMPUTED)
    store.log.add(project_id, entries)
    return computed
