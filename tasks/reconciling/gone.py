"""Gone: records that were deleted or renamed, and forms whose data were, followed in all that rests on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from capstan.store.seen_places import (
    Seen,
    content_mark,
    forget_places,
    place_mark,
    remember_places,
    seen_places,
    seen_records,
)
from capstan.triggers.content import Form
from capstan.triggers.gone import Content, find_renamed
from capstan.triggers.log import Happened, LogRow
from tasks.connections import LiveProject
from tasks.monitors import end_monitors, rename_subject
from tasks.reconciling.changes import Changes, Source, read_history
from tasks.reconciling.marks import record_marks
from tasks.seen_places import project_of
from tasks.sessions import follow_rename, mark_deleted
from tasks.shield import effect, run_logger

REASON = "the record was deleted in REDCap"


class Renamed(NamedTuple):
    """A record that has another name now."""

    old: str
    new: str
    seen: tuple[Seen, ...]


@dataclass(frozen=True)
class Gone:
    """What is not where it was worked: renamed records, deleted records, and forms of records that remain."""

    renamed: tuple[Renamed, ...] = field(repr=False)
    deleted: Mapping[str, tuple[Seen, ...]] = field(repr=False)
    forms: tuple[Seen, ...] = field(repr=False)


@effect("find what is gone")
def find_gone(live: LiveProject, changes: Changes, *, records: frozenset[str], forms: Sequence[Form]) -> Gone:
    """Compare what was worked with the records that there are, `forms` being those of changed records."""
    there = record_marks(live, records)
    known = seen_records(live.store, project_of(live))
    again = _begun_anew(live, changes)
    lost = _by_record(live, (known - there.keys()) | (known & again.keys()))
    lost = {mark: seen for mark, seen in lost.items() if mark not in there or _was_before(seen, again[mark])}
    renamed = find_renamed(
        {mark: _content(seen) for mark, seen in lost.items()},
        fresh=_fresh(live, changes, forms=forms, known=known),
        formers=_formers(live, changes, lost=lost, records=records),
    )
    gone = Gone(
        tuple(Renamed(lost[mark][0].record, new, lost[mark]) for mark, new in renamed.items()),
        {mark: seen for mark, seen in lost.items() if mark not in renamed},
        tuple(_lost_forms(live, changes.records & records, forms=forms, without=lost)),
    )
    run_logger().info(
        "%d records were renamed, %d deleted, %d forms emptied",
        len(gone.renamed),
        len(gone.deleted),
        len(gone.forms),
    )
    return gone


@effect("follow what is gone")
def follow_gone(live: LiveProject, gone: Gone, *, now: datetime) -> None:
    """Let sessions, monitors and what was worked follow; the same once more changes nothing."""
    store, study, project = live.store, live.study, project_of(live)
    for old, new, seen in gone.renamed:
        if old:
            follow_rename(store, study, old=old, new=new, now=now)
            rename_subject(store, study, old=old, new=new, now=now)
        moved = [(each.at(new), each.content_mark) for each in seen]
        remember_places(store, project, places=moved, now=now)
        forget_places(store, project, marks=[each.place_mark for each in seen])
    for seen in gone.deleted.values():
        if seen[0].record:
            mark_deleted(store, study, record=seen[0].record, now=now)
            end_monitors(store, study, record=seen[0].record, reason=REASON, now=now)
        forget_places(store, project, marks=[each.place_mark for each in seen])
    for one in gone.forms:
        if one.record:
            mark_deleted(store, study, record=one.record, now=now, place=one.at(one.record))
        forget_places(store, project, marks=[one.place_mark])


def _by_record(live: LiveProject, marks: Iterable[str]) -> dict[str, tuple[Seen, ...]]:
    found: dict[str, list[Seen]] = defaultdict(list)
    for seen in seen_places(live.store, project_of(live), record_marks=frozenset(marks)):
        found[seen.record_mark].append(seen)
    return {mark: tuple(listed) for mark, listed in found.items()}


def _begun_anew(live: LiveProject, changes: Changes) -> dict[str, datetime]:
    """When the name of a record came free last, by the record's mark: the record of that name is another now."""
    freed = {row.record: row.ends for row in changes.rows if row.happened is Happened.DELETED}
    renamed = (row for row in changes.rows if row.former)
    freed |= {row.former: row.ends for row in renamed}
    return {mark: freed[record] for mark, record in record_marks(live, freed).items()}


def _was_before(seen: Iterable[Seen], freed: datetime) -> bool:
    return all(each.seen_at < freed for each in seen)


def _formers(
    live: LiveProject, changes: Changes, *, lost: Mapping[str, object], records: frozenset[str]
) -> dict[str, set[str]]:
    """The marks of the names that renamed records had, as far as the log still has them."""
    found: dict[str, set[str]] = {}
    for record in _renamed(changes.rows) & records if lost else ():
        rows = [row for row in changes.rows if row.record == record]
        names = {row.former for row in rows} - {""} or {
            row.former for row in read_history(live, record=record)
        }
        found[record] = set(record_marks(live, names - {"", record}))
    return found


def _fresh(
    live: LiveProject, changes: Changes, *, forms: Sequence[Form], known: frozenset[str]
) -> dict[str, Content]:
    """What the records hold that may be renamed ones: new to us, and renamed by the log where there is one."""
    may_be = _renamed(changes.rows) if changes.source is Source.LOG else changes.records
    new = {record for mark, record in record_marks(live, may_be).items() if mark not in known}
    held: dict[str, set[tuple[str, str, str, str]]] = defaultdict(set)
    for form in forms:
        if form.place.record in new:
            mark = content_mark(live.store, form.content)
            held[form.place.record].add((form.place.event, form.place.instrument, form.place.instance, mark))
    return {record: frozenset(content) for record, content in held.items()}


def _renamed(rows: Iterable[LogRow]) -> frozenset[str]:
    return frozenset(row.record for row in rows if row.happened is Happened.RENAMED or row.former)


def _content(seen: Iterable[Seen]) -> Content:
    return frozenset((each.event, each.instrument, each.instance, each.content_mark) for each in seen)


def _lost_forms(
    live: LiveProject, records: frozenset[str], *, forms: Sequence[Form], without: Mapping[str, object]
) -> list[Seen]:
    """Forms that were worked and that nobody has saved any more, of records that are still there."""
    project = project_of(live)
    there = {place_mark(live.store, project, place=form.place) for form in forms}
    marks = record_marks(live, records).keys() - without.keys()
    seen = seen_places(live.store, project, record_marks=frozenset(marks))
    return [each for each in seen if each.place_mark not in there]
