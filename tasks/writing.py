"""Writing: accepted cells into REDCap, in batches, each compared with the plan once more before it goes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from capstan.arms import participant_arms
from capstan.errors import RowsRefused
from capstan.plan import KEYS, import_parts, to_rows
from capstan.progress import working
from capstan.redcap import batches
from capstan.store import Outcome, Run
from capstan.verdict import collected
from checks.case import Present
from checks.catalogue import say
from checks.changes import judge_stale, rows_of
from checks.refusals import refusal_check
from tasks.connections import LiveProject
from tasks.crash import crash_point
from tasks.outcomes import held_in, read_places
from tasks.shield import effect, run_logger
from tasks.steps import Clock, journaled
from tasks.written import Basis, Written

_NOT_HELD = "REDCap does not hold what was written here."


@effect("write cells")
def write_cells(
    live: LiveProject, run: Run, *, cells: pd.DataFrame, clock: Clock, expected: Present | None = None
) -> Written:
    """Write cells (`capstan.plan.CELL_COLUMNS`) to REDCap in batches; every one is journaled before.

    A row that changed since the plan, or that REDCap refuses, is left out and said; the others are
    written. So is a row of a record that is gone, or in another arm, since it was `expected`. Where no answer
    came, REDCap is asked what it holds, and only what did not land goes once more, in halves.
    Raises RedcapError when REDCap cannot be reached; what was sent then stays journaled.
    """
    written = Written(basis=_basis(live, expected) if expected else None)
    with working("write cells", len(cells)) as advance:
        for part, overwrite in _batches(live, cells):
            # A row that was stopped in one import must not go on in a later one, half written.
            left = part[~_is_stopped(part, written)]
            write = partial(_write_batch, live, run, overwrite=overwrite, clock=clock, written=written)
            _write_in_halves(live, left, write=write, written=written)
            advance(len(part))
    run_logger().info("wrote: %s", written.counts)
    return written


def _batches(live: LiveProject, cells: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, bool]]:
    for part, overwrite in import_parts(cells):
        for batch in _cut(live, part, max_rows=live.redcap.max_rows):
            yield batch, overwrite


def _cut(live: LiveProject, cells: pd.DataFrame, *, max_rows: int) -> Iterator[pd.DataFrame]:
    record_field, max_bytes = live.dictionary.record_field, live.redcap.max_bytes
    rows = to_rows(cells, key_columns=live.key_columns)
    for batch in batches(rows, record_field=record_field, max_rows=max_rows, max_bytes=max_bytes):
        yield cells[cells["record"].isin(set(batch[record_field]))]


def _write_in_halves(
    live: LiveProject, cells: pd.DataFrame, *, write: Callable[..., pd.DataFrame], written: Written
) -> None:
    """Write cells in parts that are no larger than what REDCap answers to, as far as this run knows it."""
    waiting = deque([cells])
    while waiting:
        part = waiting.popleft()
        pieces = [part] if written.max_rows is None else list(_cut(live, part, max_rows=written.max_rows))
        if len(pieces) > 1:
            waiting.extendleft(reversed(pieces))
            continue
        lost = write(cells=part)
        if lost["record"].nunique() > 1:
            waiting.appendleft(lost)
        elif len(lost):
            written.count(pd.Series(Outcome.NOT_WRITTEN.value, index=lost.index))
            written.hear(say("response_count", lost, reason=_NOT_HELD))


def _write_batch(
    live: LiveProject, run: Run, *, cells: pd.DataFrame, overwrite: bool, clock: Clock, written: Written
) -> pd.DataFrame:
    """Write one batch; rows that REDCap refuses are taken out and the rest is tried again.

    Returns the cells that REDCap does not hold after it gave no answer to them.
    """
    cells = _still_as_planned(live, cells, written=written) if len(cells) else cells
    crash_point("checked")
    while not cells.empty:
        act = _importing(live, cells, overwrite=overwrite, written=written)
        answer, outcomes = journaled(live, run, cells=cells, act=act, clock=clock, overwrite=overwrite)
        refused = answer or {}
        out = cells["record"].isin(refused) | _is_stopped(cells, written)
        again = ~out & (outcomes == Outcome.NOT_WRITTEN) & (answer is None or bool(refused))
        missed = ~out & ~again & (outcomes != Outcome.WRITTEN)
        written.count(outcomes[~again])
        written.hear(_refusals(cells[cells["record"].isin(refused)], reasons=refused))
        written.hear(say("response_count", cells[missed], reason=_NOT_HELD))
        written.note_answer(is_lost=answer is None, rows=len(cells.drop_duplicates(list(KEYS))))
        cells = cells[again]
        if answer is None:
            return cells
    return cells


def _still_as_planned(live: LiveProject, cells: pd.DataFrame, *, written: Written) -> pd.DataFrame:
    """Compare and set: leave out rows in which a cell, the record or its arm is not what the plan saw."""
    present = read_places(live, cells, fields=_arm_fields(live))
    now = held_in(present, cells=cells, live=live)
    stale = judge_stale(cells, now_held=now["value"], dictionary=live.dictionary)
    written.hear(stale)
    moved = pd.MultiIndex.from_frame(cells[list(KEYS)]).isin(rows_of(stale))
    if written.basis:
        other = cells["record"].isin(
            _moved_records(live, present, basis=written.basis, records=cells["record"])
        )
        reason = "The record was deleted, or went to another arm, since the plan was made; run again."
        written.hear(say("stale_base", cells[other & ~moved], reason=reason))
        moved |= other.to_numpy()
    seen = {"before": now["value"], "row_existed": now["row_exists"], "form_saved": now["form_saved"]}
    return cells.assign(**seen)[~moved]


def _is_stopped(cells: pd.DataFrame, written: Written) -> npt.NDArray[np.bool_]:
    """Which cells are of a row of which something was said."""
    return pd.MultiIndex.from_frame(cells[list(KEYS)]).isin(rows_of(written.verdicts))


def _basis(live: LiveProject, expected: Present) -> Basis:
    return Basis(expected.records, _arms(live, expected.frame))


def _moved_records(live: LiveProject, present: pd.DataFrame, *, basis: Basis, records: pd.Series) -> set[str]:
    """The records that are gone, or whose arm is another, since the plan was made."""
    there, arms = set(present[live.dictionary.record_field]), _arms(live, present)
    named = set(records)
    gone = {record for record in named & basis.records if record not in there}
    # An arm that this run itself has just assigned is no surprise; one that changed or went is.
    changed = {record for record in named & set(basis.arms) if arms.get(record) != basis.arms[record]}
    return gone | changed


def _arms(live: LiveProject, frame: pd.DataFrame) -> dict[str, str]:
    assigned = participant_arms(
        frame,
        live.study.arms.assigned_by,
        record_field=live.dictionary.record_field,
        events=live.layout.events,
    )
    return {str(record): str(arm) for record, arm in assigned.items()}


def _arm_fields(live: LiveProject) -> set[str]:
    rule = live.study.arms.assigned_by
    return {rule.field} if rule else set()


def _importing(
    live: LiveProject, cells: pd.DataFrame, *, overwrite: bool, written: Written
) -> Callable[[], dict[str, str]]:
    """Send cells; tells the records that REDCap refused, with its reason, and then wrote nothing."""

    def send() -> dict[str, str]:
        # REDCap has no import on condition, so the last look is right before it.
        left = _still_as_planned(live, cells, written=written)
        if left.empty:
            return {}
        rows = to_rows(left, key_columns=live.key_columns)
        try:
            live.writer.import_records(rows, record_field=live.dictionary.record_field, overwrite=overwrite)
        except RowsRefused as error:
            if not {record for record, _, _ in error.rows} & set(cells["record"]):
                raise
            return {
                record: f"REDCap refused {name or 'the row'}: {reason}" for record, name, reason in error.rows
            }
        return {}

    return send


def _refusals(cells: pd.DataFrame, *, reasons: dict[str, str]) -> pd.DataFrame:
    rows = cells.drop_duplicates(list(KEYS)).assign(field="")
    told = rows["record"].map(reasons).astype("str")
    check = told.map(refusal_check)
    return collected([say(name, rows[check == name], reason=told[check == name]) for name in check.unique()])
