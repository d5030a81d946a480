"""Gone: records that were deleted or renamed, and forms that were emptied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from capstan.errors import Refused
from capstan.store.seen_places import (
    Seen,
    content_mark,
    place_mark,
    seen_places,
    seen_records,
)
from capstan.triggers.content import Form
from capstan.triggers.gone import Content, find_renamed
from capstan.triggers.log import Happened, LogRow
from tasks.connections import LiveProject
from tasks.reconciling.changes import Changes, Source, read_history
from tasks.reconciling.marks import record_marks
from tasks.seen_places import project_of
from tasks.shield import effect, run_logger

_FEW = 5


class Renamed(NamedTuple):
    """A record that has another name now, and its forms that were worked under the former one."""

    old: str
    new: str
    seen: tuple[Seen, ...] = ()


class Deleted(NamedTuple):
    """A record that is no more, and its forms that were worked."""

    record: str
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Gone:
    """What is not where it was worked: renamed records, deleted ones, and forms of records that remain.

    `heard` are records that the log tells of and of which nothing was worked; something else may rest on
    them. `unexplained` counts records that are not to be seen although nothing tells of a deletion: the token
    may have lost sight of them, so nothing is done.
    """

    renamed: tuple[Renamed, ...] = field(repr=False)
    deleted: tuple[Deleted, ...] = field(repr=False)
    forms: tuple[Seen, ...] = field(repr=False)
    heard: tuple[Renamed | Deleted, ...] = field(repr=False)
    unexplained: int


@effect("find what is gone")
def find_gone(live: LiveProject, changes: Changes, *, records: frozenset[str], forms: Sequence[Form]) -> Gone:
    """Compare what was worked with the records that there are, `forms` being those of changed records."""
    there = record_marks(live, records).keys()
    known = seen_records(live.store, project_of(live))
    if known and not there:
        raise Refused("No record is to be seen any more; check the rights and the access group of the token.")
    lost = _lost(live, changes, known=known, there=there)
    formers = _formers(live, changes, records=records)
    renamed = find_renamed(
        {mark: _content(seen) for mark, seen in lost.items()},
        fresh=_fresh(live, changes, forms=forms, known=known),
        formers={new: record_marks(live, names) for new, names in formers.items()},
    )
    left = {mark: seen for mark, seen in lost.items() if mark not in renamed}
    sure = _sure(live, changes, left=left, known=known, there=there)
    gone = Gone(
        tuple(Renamed(lost[mark][0].record, new, lost[mark]) for mark, new in renamed.items()),
        tuple(Deleted(left[mark][0].record, left[mark]) for mark in sure),
        tuple(_lost_forms(live, changes.records & records, forms=forms, without=lost)),
        tuple(_heard(changes, formers=formers, records=records)),
        len(left) - len(sure),
    )
    counts = map(len, (gone.renamed, gone.deleted, gone.forms))
    run_logger().info("%d records were renamed, %d deleted, %d forms emptied", *counts)
    return gone


def _lost(
    live: LiveProject, changes: Changes, *, known: frozenset[str], there: Collection[str]
) -> dict[str, tuple[Seen, ...]]:
    """The forms that were worked of records that are not there, or are others of the same name now."""
    again = {mark: at for mark, at in _freed(live, changes).items() if mark in there}
    found: dict[str, list[Seen]] = defaultdict(list)
    for seen in seen_places(live.store, project_of(live), record_marks=known - (there - again.keys())):
        found[seen.record_mark].append(seen)
    return {
        mark: tuple(listed)
        for mark, listed in found.items()
        if mark not in there or all(each.seen_at < again[mark] for each in listed)
    }


def _freed(live: LiveProject, changes: Changes) -> dict[str, datetime]:
    """When the names of records came free, by deletion or by another name, by their marks.

    A record of that name whose forms were worked before is another one. Within one minute that cannot be
    told; then the forms alone are compared, and sessions come out the same.
    """
    at = {row.record: row.begins for row in changes.rows if row.happened is Happened.RENAMED}
    times = {row.former: at[row.record] for row in changes.rows if row.former and row.record in at}
    times |= {row.record: row.begins for row in changes.rows if row.happened is Happened.DELETED}
    return {mark: times[record] for mark, record in record_marks(live, times).items()}


def _sure(
    live: LiveProject,
    changes: Changes,
    *,
    left: Mapping[str, object],
    known: frozenset[str],
    there: Collection[str],
) -> frozenset[str]:
    """Which of the lost records were deleted for sure; without a log, those that are few at once."""
    if changes.source is Source.TIMES:
        most = max(_FEW, int(live.study.writes.limits.share * len(known)))
        return frozenset(left if len(left) <= most else ())
    deleted = (row.record for row in changes.rows if row.happened is Happened.DELETED)
    return frozenset(left.keys() & (record_marks(live, deleted).keys() | there))


def _heard(
    changes: Changes, *, formers: Mapping[str, Collection[str]], records: frozenset[str]
) -> Iterator[Renamed | Deleted]:
    for new, names in formers.items():
        yield from (Renamed(old, new) for old in names if old not in records)
    deleted = {row.record for row in changes.rows if row.happened is Happened.DELETED}
    yield from (Deleted(record) for record in sorted(deleted - records))


def _formers(live: LiveProject, changes: Changes, *, records: frozenset[str]) -> dict[str, frozenset[str]]:
    """The names that renamed records had, as far as the log still has them."""
    deleted = {row.record: at for at, row in enumerate(changes.rows) if row.happened is Happened.DELETED}
    renamed = {row.record: at for at, row in enumerate(changes.rows) if _is_renamed(row)}
    found: dict[str, frozenset[str]] = {}
    for record in renamed.keys() & records:
        names = {row.former for row in changes.rows if row.record == record} - {""}
        names = names or {row.former for row in read_history(live, record=record)}
        # A record that was deleted later was another one of the same name.
        own = {name for name in names if deleted.get(name, -1) < renamed[record]}
        found[record] = frozenset(own - {"", record})
    return found


def _fresh(
    live: LiveProject, changes: Changes, *, forms: Sequence[Form], known: frozenset[str]
) -> dict[str, Content]:
    """What the records hold that may be renamed ones: new to us and, where there is a log, renamed by it."""
    named = {row.record for row in changes.rows if _is_renamed(row)}
    may_be = named if changes.source is Source.LOG else changes.records
    new = {record for mark, record in record_marks(live, may_be).items() if mark not in known}
    held: dict[str, set[tuple[str, str, str, str]]] = defaultdict(set)
    for form in forms:
        if form.place.record in new:
            mark = content_mark(live.store, form.content)
            held[form.place.record].add((form.place.event, form.place.instrument, form.place.instance, mark))
    return {record: frozenset(content) for record, content in held.items()}


def _is_renamed(row: LogRow) -> bool:
    return row.happened is Happened.RENAMED or bool(row.former)


def _content(seen: Iterable[Seen]) -> Content:
    return frozenset((each.event, each.instrument, each.instance, each.content_mark) for each in seen)


def _lost_forms(
    live: LiveProject, records: frozenset[str], *, forms: Sequence[Form], without: Mapping[str, object]
) -> list[Seen]:
    """Forms that were worked and that nobody has saved any more, of records that are still there."""
    project = project_of(live)
    there = {place_mark(live.store, project, place=form.place) for form in forms}
    names = {mark: name for mark, name in record_marks(live, records).items() if mark not in without}
    seen = seen_places(live.store, project, record_marks=names.keys())
    # Retention may have taken the record's name.
    lost = [each for each in seen if each.place_mark not in there]
    return [replace(each, record=names[each.record_mark]) for each in lost]
