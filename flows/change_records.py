"""Delete and rename records: journaled with all that they hold, so that an undo brings them back.

No flows: Prefect keeps the parameters of its flows, and these name participants.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from capstan.errors import Refused, UsageError
from capstan.plan import CELL_COLUMNS, KEYS
from capstan.store.states import Action, RunState
from capstan.verdict import NO_VERDICTS, collected, rows_by_check
from checks.rows import MAX_RECORD_LENGTH
from flows.job import Job, Summary, job, utc_now
from tasks.file_places import held_files
from tasks.filing import write_files
from tasks.journal import record_plan, record_verdicts
from tasks.redcap import export_records, list_records
from tasks.removing import delete_records, record_cells
from tasks.renaming import rename_records
from tasks.shield import shielded


@shielded
def delete(
    study: str, *, records: Collection[str], limit: int | None = None, dry_run: bool = False
) -> Summary:
    """Delete records with their files, up to a limit: the study's, unless one is given for this run.

    A record that somebody changes in between is left alone, and that is said. Raises UsageError for records
    that do not exist, Refused above the limit, and where the token may not read all that it would delete;
    then nothing is deleted.
    """
    with job(study, flow="delete_records", dry_run=dry_run) as current:
        live = current.live
        _check_known(records, known=list_records(live))
        _check_limit(len(set(records)), limit=limit, name="deleted_records", current=current)
        export = export_records(live, records=set(records))
        _check_visible(export, current=current)
        files, cells = held_files(live, records=export), record_cells(live, records=set(records))
        if _is_rehearsed(
            current, cells=[files.assign(action=Action.FILE), cells.assign(action=Action.DELETE)]
        ):
            return _end(current, planned=len(cells) + len(files), counts=[])
        filed = write_files(live, current.run, cells=files, clock=utc_now)
        whole = cells[~cells["record"].isin(set(filed.verdicts["record"]))]
        deleted = delete_records(live, current.run, cells=whole, clock=utc_now)
        heard = collected([filed.verdicts, deleted.verdicts])
        current.run = record_verdicts(live, current.run, heard=heard, now=utc_now())
        current.details["rows_stopped"] = dict(rows_by_check(heard))
        return _end(current, planned=len(cells) + len(files), counts=[filed.counts, deleted.counts])


@shielded
def rename(
    study: str, *, names: Mapping[str, str], limit: int | None = None, dry_run: bool = False
) -> Summary:
    """Give records other ids, old to new, up to a limit: the study's, unless one is given for this run.

    Raises UsageError for records that do not exist and for ids that are taken or unfit, Refused above the
    limit; then nothing is renamed.
    """
    with job(study, flow="rename_records", dry_run=dry_run) as current:
        live = current.live
        known = list_records(live)
        _check_known(names, known=known)
        _check_free(names.values(), known=known)
        _check_limit(len(names), limit=limit, name="renamed_records", current=current)
        record_field = live.dictionary.record_field
        cells = pd.DataFrame(
            [(old, "", "", "", record_field, old, new) for old, new in names.items()],
            columns=list(CELL_COLUMNS),
            dtype="str",
        )
        if _is_rehearsed(current, cells=[cells.assign(action=Action.RENAME)]):
            return _end(current, planned=len(cells), counts=[])
        counts = rename_records(live, current.run, cells=cells, clock=utc_now)
        return _end(current, planned=len(cells), counts=[counts])


def _is_rehearsed(current: Job, *, cells: list[pd.DataFrame]) -> bool:
    """Record what is about to happen; whether that is all, because the run is dry."""
    plan = pd.concat(cells, ignore_index=True).astype("str")
    plan = plan.sort_values([*KEYS, "field"], ignore_index=True)
    current.run = record_plan(current.live, current.run, cells=plan, heard=NO_VERDICTS, now=utc_now())
    return current.run.dry_run


def _end(current: Job, *, planned: int, counts: list[dict[str, int]]) -> Summary:
    total: dict[str, int] = {"cells_planned": planned, "cells_written": 0}
    for part in counts:
        for name, count in part.items():
            total[name] = total.get(name, 0) + count
    if current.run.dry_run:
        return current.finish(state=RunState.IDLE, counts=total, outcome="dry run")
    state = RunState.DONE if total["cells_written"] == planned else RunState.PARTLY
    return current.finish(state=state, counts=total, outcome=state.value)


def _check_known(records: Collection[str], *, known: frozenset[str]) -> None:
    unknown = len(set(records) - known)
    if unknown or not records:
        raise UsageError(f"{unknown} of the {len(set(records))} records do not exist; check their ids.")


def _check_free(names: Collection[str], *, known: frozenset[str]) -> None:
    there = {name.casefold() for name in known}
    unfit = [
        name for name in names if not name.strip() or name != name.strip() or len(name) > MAX_RECORD_LENGTH
    ]
    if unfit or len({name.casefold() for name in names}) < len(names):
        raise UsageError("A new id is blank, too long, begins or ends with a blank, or stands twice.")
    if there & {name.casefold() for name in names}:
        raise UsageError("Another record has the new id already; choose a free one.")


def _check_limit(count: int, *, limit: int | None, name: str, current: Job) -> None:
    most = getattr(current.live.study.writes.limits, name) if limit is None else limit
    if count > most:
        raise Refused(
            f"{count} records, and the limit is {most}; nothing was changed. Raise writes.limits.{name} in "
            f"the study, or give --limit {count} for this run."
        )


def _check_visible(export: pd.DataFrame, *, current: Job) -> None:
    """Refuse what could not be undone: a field that the token may not read would be lost."""
    hidden = [name for name in current.live.dictionary.by_column if name not in export.columns]
    if hidden:
        raise Refused(
            f"The token may not export {len(hidden)} fields (such as {hidden[0]}), so these records could "
            "not be brought back; nothing was deleted. Ask for the right to export all fields."
        )
