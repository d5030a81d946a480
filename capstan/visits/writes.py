"""What is written back about visits: dates and status on each visit, a summary for the participant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from capstan.arms import events_of_records, participant_arms
from capstan.choices import to_codes
from capstan.logic import Layout
from capstan.plan import KEY_NAMES, compare
from capstan.stamps import local_stamp
from capstan.visits import PENDING

if TYPE_CHECKING:
    from capstan.study import Study

NO_VISIT = "none"


def wanted_values(
    study: Study, visits: pd.DataFrame, *, frame: pd.DataFrame, layout: Layout, now: datetime
) -> pd.DataFrame:
    """Turn `compute_visits`' rows into a keyed frame of what the project should hold, for `plan.compare`.

    Rows are of unlike events, so a blank means "leave as it is". Dates are ISO, a word is the code that
    the field has for it. `frame` is the keyed export with the fields that are written: the last timestamp
    is `now` only for participants of whom something else changes, so that a second run wants nothing.
    Participants without visits are left alone, but for a pending visit that they no longer have.
    Raises StudyError for a word that a field has no choice for.
    """
    record_field, tracking = layout.record_field, study.tracking
    parts = list(_visit_parts(study, visits, layout=layout))
    if not (tracking.pending_visit or tracking.last_timestamp):
        return keyed_parts(parts, record_field=record_field)
    places = _tracking_places(study, frame, layout=layout)
    if tracking.pending_visit:
        pending = _pending(visits, field=tracking.pending_visit, frame=frame)
        parts.append(_part(pending, places=places, field=tracking.pending_visit, layout=layout))
    wanted = keyed_parts(parts, record_field=record_field)
    if not tracking.last_timestamp:
        return wanted
    changed = pd.Index(compare(wanted, present=frame, record_field=record_field)["record"].unique())
    validation = layout.validation.get(tracking.last_timestamp, "")
    now_there = local_stamp(now, zone=study.zone, validation=validation)
    stamp = pd.Series(now_there, index=changed, dtype="str")
    stamped = _part(stamp, places=places, field=tracking.last_timestamp, layout=layout)
    return keyed_parts([*parts, stamped], record_field=record_field)


def keyed_parts(parts: Sequence[pd.DataFrame], *, record_field: str) -> pd.DataFrame:
    """Lay frames of record, event and fields over each other: one keyed row per record and event.

    Where two parts give the same cell, the first that is there counts; what no part gives is blank.
    """
    keys = [record_field, KEY_NAMES[0]]
    none = pd.DataFrame({name: pd.Series(dtype="str") for name in keys})
    whole = pd.concat([none, *(part.set_axis([*keys, *part.columns[2:]], axis=1) for part in parts)])
    if whole.duplicated(keys).any():
        whole = whole.groupby(keys, sort=False).first().reset_index()
    whole.insert(2, KEY_NAMES[1], "")
    whole.insert(3, KEY_NAMES[2], "")
    return whole.fillna("").astype("str").reset_index(drop=True)


def _visit_parts(study: Study, visits: pd.DataFrame, *, layout: Layout) -> Iterator[pd.DataFrame]:
    for visit in study.visits:
        rows = visits[visits["visit"] == visit.name]
        fields = {field: column for column, field in visit.write.model_dump().items() if field}
        values = {
            field: to_codes(rows[column], field=field, layout=layout) for field, column in fields.items()
        }
        if values:
            yield pd.DataFrame({layout.record_field: rows["record"], KEY_NAMES[0]: rows["event"], **values})


def _tracking_places(study: Study, frame: pd.DataFrame, *, layout: Layout) -> pd.Series[str]:
    """The tracking event by record, without the records that have none."""
    assigned = participant_arms(
        frame, study.arms.assigned_by, record_field=layout.record_field, events=layout.events
    )
    places = events_of_records(
        study.tracking.event,
        records=pd.Index(frame[layout.record_field].unique()),
        assigned=assigned,
        arms=study.arms,
        events=layout.events,
    )
    return places[places != ""] if layout.events else places


def _pending(visits: pd.DataFrame, *, field: str, frame: pd.DataFrame) -> pd.Series[str]:
    """The next visit's name by record, or `NO_VISIT`."""
    ahead = visits[visits["status"].isin([status.value for status in PENDING])]
    first = ahead.sort_values("due", kind="stable").drop_duplicates("record")
    names = first.set_index("record")["visit"]
    records = pd.Index(visits["record"].unique())
    if field in frame.columns:
        records = records.union(pd.Index(frame.iloc[:, 0][frame[field] != ""].unique()), sort=False)
    return names.reindex(records).fillna(NO_VISIT).astype("str")


def _part(words: pd.Series[str], *, places: pd.Series[str], field: str, layout: Layout) -> pd.DataFrame:
    # Index.isin is a Python loop over texts; get_indexer is not.
    held = words[places.index.get_indexer(words.index) >= 0]
    values = to_codes(held, field=field, layout=layout).to_numpy()
    keys = {layout.record_field: held.index, KEY_NAMES[0]: places[held.index].to_numpy()}
    return pd.DataFrame({**keys, field: values})
