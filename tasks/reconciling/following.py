"""Following: what rests on records that are gone goes on under their new names, or ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from capstan.store import Store
from capstan.store.query_following import close_queries_of, rename_queries
from capstan.store.seen_places import forget_places, place_mark, remember_places
from capstan.study import Study
from tasks.connections import LiveProject
from tasks.messages.queueing import room_of
from tasks.monitors import end_monitors, rename_subject
from tasks.reconciling.gone import Deleted, Gone, Renamed
from tasks.seen_places import project_of
from tasks.sessions import follow_rename, mark_deleted
from tasks.shield import effect

REASON = "the record was deleted in REDCap"
# No record has this name, because REDCap trims names.
_ASIDE = " aside "


@effect("follow what is gone")
def follow_gone(live: LiveProject, gone: Gone, *, now: datetime) -> None:
    """Let sessions, monitors, queries and what was worked follow; the same once more changes nothing."""
    store, study, project = live.store, live.study, project_of(live)
    heard = [one for one in gone.heard if isinstance(one, Renamed)]
    others = [one for one in gone.heard if isinstance(one, Deleted)]
    remembered: set[str] = set()
    # Deletions first: a name that came free so may be another record's by now.
    every: list[Renamed | Deleted] = [*gone.deleted, *others, *in_order((*gone.renamed, *heard))]
    for one in every:
        _follow(store, study, one, now=now)
        if isinstance(one, Renamed):
            moved = [(each.at(one.new), each.content_mark) for each in one.seen]
            remember_places(store, project, places=moved, now=now)
            remembered |= {place_mark(store, project, place=place) for place, _ in moved}
        forget_places(store, project, marks={each.place_mark for each in one.seen} - remembered)
    for form in gone.forms:
        mark_deleted(store, study, record=form.record, now=now, place=form.at(form.record))
        forget_places(store, project, marks=[form.place_mark])


def in_order(renamed: Iterable[Renamed]) -> Iterator[Renamed]:
    """Rename a record before another one takes its name; in a circle one of them steps aside meanwhile."""
    left = list(renamed)
    while left:
        taken = {one.old for one in left} - {""}
        free = [one for one in left if one.new not in taken]
        if not free:
            first, *others = left
            yield Renamed(first.old, _ASIDE)
            left = [*others, first._replace(old=_ASIDE)]
            continue
        yield from free
        left = [one for one in left if one not in free]


def _follow(store: Store, study: Study, one: Renamed | Deleted, *, now: datetime) -> None:
    """Let sessions, monitors and queries follow a record.

    Of one whose name retention took, the log tells the name, and it is in `heard` too; a blank name would be
    that of every wait without a record.
    """
    if isinstance(one, Renamed) and one.old:
        follow_rename(store, study, old=one.old, new=one.new, now=now)
        rename_subject(store, study, old=one.old, new=one.new, now=now)
        rename_queries(store, room_of(study), old=one.old, new=one.new, now=now)
    elif isinstance(one, Deleted) and one.record:
        mark_deleted(store, study, record=one.record, now=now)
        end_monitors(store, study, record=one.record, reason=REASON, now=now)
        close_queries_of(store, room_of(study), record=one.record, by="reconcile_triggers", now=now)
