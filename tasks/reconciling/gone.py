"""Gone: records that were deleted or renamed, and forms that were emptied; sessions and monitors follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from capstan.errors import Refused
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
    """What is not where it was worked: renamed records, deleted ones, and forms of records that remain.

    `unexplained` counts records that are not to be seen although the log tells of no deletion: the token may
    have lost sight of them, so nothing is done.
    """

    renamed: tuple[Renamed, ...] = field(repr=False)
    deleted: tuple[tuple[Seen, ...], ...] = field(repr=False)
    forms: tuple[Seen, ...] = field(repr=False)
    unexplained: int


@effect("find what is gone")
def find_gone(live: LiveProject, changes: Changes, *, records: frozenset[str], forms: Sequence[Form]) -> Gone:
    """Compare what was worked with the records that there are, `forms` being those of changed records."""
    there = record_marks(live, records).keys()
    known = seen_records(live.store, project_of(live))
    if known and not there:
        raise Refused("No record is to be seen any more; check the rights and the access group of the token.")
    deleted, freed = _freed(live, changes)
    again = {mark: at for mark, at in (freed | deleted).items() if mark in there}
    lost = {
        mark: seen
        for mark, seen in _by_record(live, known & ((known - there) | again.keys())).items()
        if mark not in there or all(each.seen_at < again[mark] for each in seen)
    }
    renamed = find_renamed(
        {mark: _content(seen) for mark, seen in lost.items()},
        fresh=_fresh(live, changes, forms=forms, known=known),
        formers=_formers(live, changes, records=records) if lost else {},
    )
    left = {mark: seen for mark, seen in lost.items() if mark not in renamed}
    sure = left.keys() if changes.source is Source.TIMES else left.keys() & (deleted.keys() | there)
    gone = Gone(
        tuple(Renamed(lost[mark][0].record, new, lost[mark]) for mark, new in renamed.items()),
        tuple(left[mark] for mark in sure),
        tuple(_lost_forms(live, changes.records & records, forms=forms, without=lost)),
        len(left) - len(sure),
    )
    run_logger().info(
        "renamed %d, deleted %d, emptied %d", *map(len, (gone.renamed, gone.deleted, gone.forms))
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
    for seen in gone.deleted:
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


def _freed(live: LiveProject, changes: Changes) -> tuple[dict[str, datetime], dict[str, datetime]]:
    """When the names of records came free, by their marks: by deletion, and by another name.

    A record of that name whose forms were worked before is another one. Within one minute that cannot be
    told; then the forms alone are compared, and sessions come out the same.
    """
    deleted = {row.record: row.begins for row in changes.rows if row.happened is Happened.DELETED}
    at = {row.record: row.begins for row in changes.rows if row.happened is Happened.RENAMED}
    left = {row.former: at[row.record] for row in changes.rows if row.former and row.record in at}
    return _marked(live, deleted), _marked(live, left)


def _marked(live: LiveProject, times: Mapping[str, datetime]) -> dict[str, datetime]:
    return {mark: times[record] for mark, record in record_marks(live, times).items()}


def _formers(live: LiveProject, changes: Changes, *, records: frozenset[str]) -> dict[str, set[str]]:
    """The marks of the names that renamed records had, as far as the log still has them."""
    found: dict[str, set[str]] = {}
    for record in _renamed(changes.rows) & records:
        names = {row.former for row in changes.rows if row.record == record} - {""}
        names = names or {row.former for row in read_history(live, record=record)}
        found[record] = set(record_marks(live, names - {"", record}))
    return found


def _fresh(
    live: LiveProject, changes: Changes, *, forms: Sequence[Form], known: frozenset[str]
) -> dict[str, Content]:
    """What the records hold that may be renamed ones: new to us and, where there is a log, renamed by it."""
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
