"""Files: where one may be, judged before it is put there, and which ones some records hold."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import pandas as pd

from capstan.attachment import Attachment
from capstan.dictionary import FieldType
from capstan.errors import UsageError
from capstan.plan import CELL_COLUMNS, KEYS, as_table, held
from capstan.verdict import NO_VERDICTS, Severity, of_severity
from checks.case import Present
from checks.catalogue import say
from tasks.connections import LiveProject
from tasks.judging import judge_plan
from tasks.outcomes import file_text
from tasks.redcap import read_records
from tasks.shield import effect


class FilePlace(NamedTuple):
    """Where a file is; event and instance are blank where there is none."""

    record: str
    field: str
    event: str = ""
    instance: str = ""


@effect("plan file")
def planned_file(live: LiveProject, place: FilePlace, *, attachment: Attachment | None) -> pd.DataFrame:
    """The one cell that a file would change; none where the same file, or no file, is there already.

    Raises UsageError for a field that is no file field, an event that its form does not have, and a
    missing or needless instance.
    """
    cells = _cell(live, place)
    known = len(read_records(live, fields=[live.dictionary.record_field], records=[place.record]))
    before = file_text(live, cells.iloc[0]) if known else ""
    cells = cells.assign(before=before, after=attachment.to_text() if attachment else "").astype("str")
    return cells[cells["before"] != cells["after"]]


@effect("find file")
def find_file(live: LiveProject, place: FilePlace) -> Attachment | None:
    """The file in a place; raises UsageError where there can be none."""
    text = file_text(live, _cell(live, place).iloc[0])
    return Attachment.from_text(text) if text else None


@effect("judge file")
def judge_file(live: LiveProject, cells: pd.DataFrame, *, now: datetime) -> pd.DataFrame:
    """The verdicts that stop a file: what the study lets be written, and where its form may have data.

    The gate judges tables, and a file is in none; so it judges the status of the file's form instead.
    """
    if cells.empty:
        return NO_VERDICTS
    item, writes = live.dictionary.by_name[cells["field"].iloc[0]], live.study.writes
    names = {item.name, item.form}
    if names & set(writes.protect) or not names & set(writes.allow):
        reason = f"The study does not allow writing it; see writes.allow and writes.protect ({item.form})."
        return say("read_only_field", cells, reason=reason)
    status, record_field = f"{item.form}_complete", live.dictionary.record_field
    frame = read_records(live, records=set(cells["record"]))
    there = held(cells.assign(field=status), present=frame, record_field=record_field)["value"]
    probe = cells.assign(field=status, before=there, after=there.map({"0": "1", "": "1"}).fillna("0"))
    table = as_table(probe, present=frame, record_field=record_field)
    judged = judge_plan(
        live,
        wanted=table[[*live.key_columns, status]],
        present=Present(frame, frozenset(frame[record_field])),
        limits=live.study.writes.limits.model_copy(update={"new_records": 0}),
        now=now,
    )
    errors = of_severity(judged.verdicts, Severity.ERROR)
    return errors[~errors["check"].isin(["read_only_field", "not_exported"])].assign(field=item.name)


def _cell(live: LiveProject, place: FilePlace) -> pd.DataFrame:
    item = live.dictionary.by_name.get(place.field)
    if item is None or item.type is not FieldType.FILE:
        raise UsageError(f"The project has no file field {place.field!r}; check the name.")
    if (place.event, item.form) not in live.grid.designated:
        raise UsageError(
            f"The form {item.form} is not designated for the event {place.event!r}; give --event."
        )
    repeats_itself = (place.event, item.form) in live.grid.repeating
    if bool(place.instance) != (repeats_itself or (place.event, "") in live.grid.repeating):
        raise UsageError(f"{place.field} {'needs no' if place.instance else 'needs an'} instance there.")
    keys = (place.record, place.event, item.form if repeats_itself else "", place.instance)
    return pd.DataFrame([(*keys, place.field, "", "")], columns=list(CELL_COLUMNS), dtype="str")


def held_files(live: LiveProject, *, records: pd.DataFrame) -> pd.DataFrame:
    """The cells that delete all files which some exported rows (keyed, all fields) hold."""
    found = [pd.DataFrame(columns=list(CELL_COLUMNS), dtype="str")]
    for item in live.dictionary.fields:
        if item.type is FieldType.FILE and item.name in records.columns:
            there = records[records[item.name] != ""].iloc[:, :4].set_axis(list(KEYS), axis=1)
            found.append(there.assign(field=item.name, before="", after=""))
    cells = pd.concat(found, ignore_index=True).astype("str")
    return cells.assign(before=[file_text(live, cell) for _, cell in cells.iterrows()]).astype("str")
