"""Locks forms and records, and tells what cannot be changed (D.4 rule 9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sandbox.project.model import Project
from sandbox.project.parts import RowKey
from sandbox.session import Session
from sandbox.setup.randomization import Source, randomized_records
from sandbox.storage.locks import Lock
from sandbox.storage.values import Cells, split_item

RECORD_LOCKED = (
    "This record has been locked at the record level. No value within this record can be modified."
)
# Only the text above was recorded (J.1).
RANDOMIZED = "The value of this field cannot be modified because the record has been randomized."
FORM_LOCKED = (
    "This record has been locked at the instrument level. No value within this instrument can be modified."
)


def lock(session: Session, key: RowKey, *, form: str = "") -> None:
    """Lock a form of a row, or the whole record when the form is ''."""
    session.store.locks.add(session.project_id, key, form=form)
    _log(session, key, what=f"Action: Lock {_what(form)}")


def unlock(session: Session, key: RowKey, *, form: str = "") -> None:
    """Take one lock away."""
    session.store.locks.remove(session.project_id, key, form=form)
    _log(session, key, what=f"Action: Unlock {_what(form)}")


@dataclass(frozen=True)
class Guard:
    """What keeps values of a project from being changed."""

    project: Project
    locks: frozenset[Lock]
    randomized: Mapping[Source, Collection[str]]

    @property
    def has_nothing(self) -> bool:
        return not self.locks and not any(self.randomized.values())

    def refusal(self, key: RowKey, name: str) -> str:
        """Return why a value, named as stored, cannot be changed; '' when it can."""
        if Lock(RowKey(key.record, 0, "", 0), "") in self.locks:
            return RECORD_LOCKED
        field = split_item(name)[0]
        if key.record in self.randomized.get(Source(field, key.event_id), ()):
            return RANDOMIZED
        known = self.project.field_by_name.get(field)
        return FORM_LOCKED if known is not None and Lock(key, known.form_name) in self.locks else ""

    def without_refused(self, changed: dict[RowKey, Cells]) -> dict[RowKey, Cells]:
        """Leave out the values that cannot be changed."""
        if self.has_nothing:
            return changed
        return {
            key: {name: value for name, value in cells.items() if not self.refusal(key, name)}
            for key, cells in changed.items()
        }


def guard_of(session: Session) -> Guard:
    """Return what cannot be changed in a session's project."""
    locks = session.store.locks.all(session.project_id)
    return Guard(session.project, locks, randomized_records(session.store, session.project))


def _what(form: str) -> str:
    return f"instrument\nInstrument: {form}" if form else "entire record"


def _log(session: Session, key: RowKey, *, what: str) -> None:
    # The wording of these rows was not recorded (J.1).
    session.log(
        "lock_record",
        f"Lock/Unlock Record {key.record}",
        details=f"{what}\nRecord: {key.record}",
        record=key.record,
    )
