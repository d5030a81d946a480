"""The states of runs and batches, and the one place that says which may follow which.

A run:

    open ──► writing ──┬──► done ─────────┐
     │                 ├──► partly ───────┤
     │                 ├──► failed ───────┼──► reverted
     │                 └──► interrupted ──┘
     ├──► idle | refused
     ├──► done | partly | failed | interrupted      (no cell was journaled)
     └──► held ──► approved | refused

A batch:

    journaled ──► sent ──┬──► verified
        └────────────────┴──► unresolved ──► verified

`open` and `writing` are the open states: a study has one such run per project at most. A run that
ends while a batch has no outcome leaves that batch unresolved, and cannot be `done`.
"""

from __future__ import annotations

from enum import StrEnum

from capstan.errors import StoreError


class RunState(StrEnum):
    """Where a run stands; what each state means is what its comment says."""

    OPEN = "open"  # started, nothing journaled
    WRITING = "writing"  # before-images are journaled, so REDCap may have been written to
    DONE = "done"  # everything that was planned happened
    PARTLY = "partly"  # some cells did not land or had moved on
    HELD = "held"  # a plan waits for a person
    APPROVED = "approved"  # a held plan that a later run applied
    REFUSED = "refused"  # the gate, or a person looking at a held plan, said no
    FAILED = "failed"  # an error ended it
    IDLE = "idle"  # there was nothing to do
    INTERRUPTED = "interrupted"  # its process died; someone looked at the server and settled it
    REVERTED = "reverted"  # a later run undid it


class RunKind(StrEnum):
    """What a run is for."""

    WRITE = "write"
    REVERT = "revert"


class Action(StrEnum):
    """What a batch does in REDCap."""

    IMPORT = "import"
    DELETE = "delete"  # whole rows go: records, events or instances
    RENAME = "rename"  # the cell is the record id: before and after
    FILE = "file"  # a cell is a file: name and content


class BatchState(StrEnum):
    """How far the import of one batch is known to have come."""

    JOURNALED = "journaled"  # before-images are safe, nothing was sent
    SENT = "sent"  # the import was started; its end is unknown
    VERIFIED = "verified"  # every cell was read back and has an outcome
    UNRESOLVED = "unresolved"  # nobody could ask REDCap what became of it


class ItemState(StrEnum):
    """Where a stopped row in quarantine stands."""

    OPEN = "open"
    RESOLVED = "resolved"  # a later run wrote it, or found REDCap to hold it
    STOPPED_AGAIN = "stopped_again"  # a later run stopped it again; that run's row counts now
    CLOSED = "closed"  # a person said why it is not wanted
    EXPIRED = "expired"  # deleted after the study's retention


class Outcome(StrEnum):
    """What became of one journaled cell."""

    WRITTEN = "written"
    NOT_WRITTEN = "not_written"
    MOVED_ON = "moved_on"  # somebody else changed it in between, so it was left alone


OPEN_STATES = frozenset({RunState.OPEN, RunState.WRITING})
UNFINISHED_BATCHES = frozenset({BatchState.JOURNALED, BatchState.SENT})

_ENDED = {RunState.DONE, RunState.PARTLY, RunState.FAILED, RunState.INTERRUPTED}
_RUN_MOVES: dict[RunState, set[RunState]] = {
    RunState.OPEN: {RunState.WRITING, RunState.IDLE, RunState.REFUSED, RunState.HELD, *_ENDED},
    RunState.WRITING: {RunState.WRITING, *_ENDED},
    RunState.HELD: {RunState.APPROVED, RunState.REFUSED},
    **{state: {RunState.REVERTED} for state in _ENDED},
}
_BATCH_MOVES: dict[BatchState, set[BatchState]] = {
    BatchState.JOURNALED: {BatchState.SENT, BatchState.VERIFIED, BatchState.UNRESOLVED},
    BatchState.SENT: {BatchState.VERIFIED, BatchState.UNRESOLVED},
    BatchState.UNRESOLVED: {BatchState.VERIFIED},
}


def check_run_move(run_id: str, *, old: RunState, new: RunState) -> None:
    """Raise StoreError unless a run may go from `old` to `new`."""
    if new not in _RUN_MOVES.get(old, set()):
        raise StoreError(f"Run {run_id} is {old}, so it cannot become {new}.")


def check_batch_move(name: str, *, old: BatchState, new: BatchState) -> None:
    """Raise StoreError unless the batch called `name` may go from `old` to `new`."""
    if new not in _BATCH_MOVES.get(old, set()):
        raise StoreError(f"{name} is {old}, so it cannot become {new}.")
