"""The content of forms that was worked last, as fingerprints, so that what was not worked stands out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, select, update

from capstan.errors import StoreError
from capstan.store.connection import Store
from capstan.store.inbox_marks import inbox_place_mark, inbox_record_mark
from capstan.store.inbox_tables import INBOX
from capstan.store.outbox_rows import Mailroom
from capstan.store.reconcile_tables import SEEN_PLACE
from capstan.store.upserts import insert_or_replace
from capstan.triggers import Place

_KEYS = ("study", "project", "place_mark")
_BATCH = 500


class Project(NamedTuple):
    """Whose forms: a study in one project of one REDCap, the project as `host/id`."""

    study: str
    name: str

    @property
    def room(self) -> Mailroom:
        """The same project, as the outbox and queries name it."""
        host, _, number = self.name.rpartition("/")
        return Mailroom(self.study, host, int(number))


@dataclass(frozen=True)
class Seen:
    """A form whose content was worked; `record` is blank where retention or a lost key took its name."""

    place_mark: str
    record_mark: str
    event: str
    instrument: str
    instance: str
    content_mark: str
    seen_at: datetime
    record: str = field(repr=False)

    def at(self, record: str) -> Place:
        """The same form in a record."""
        return Place(record, self.event, self.instrument, self.instance)


def content_mark(store: Store, content: str) -> str:
    """The fingerprint of what a form holds."""
    return store.keys.fingerprint(f"content {content}")


def place_mark(store: Store, project: Project, *, place: Place) -> str:
    """The fingerprint of a form of a record, the same as that of the items that tell of it."""
    form = {
        "record": place.record,
        "redcap_event_name": place.event,
        "instrument": place.instrument,
        "redcap_repeat_instance": place.instance,
    }
    return inbox_place_mark(store, project.study, form=form)


def remember_places(
    store: Store, project: Project, *, places: Iterable[tuple[Place, str]], now: datetime
) -> None:
    """Remember of some forms which content, as its mark, was worked."""
    with store.write() as connection:
        for place, content in places:
            row = {
                "study": project.study,
                "project": project.name,
                "place_mark": place_mark(store, project, place=place),
                "record_mark": inbox_record_mark(store, project.study, record=place.record),
                "event": place.event,
                "instrument": place.instrument,
                "instance": place.instance,
                "content_mark": content,
                "sealed": store.keys.seal(place.record.encode()),
                "seen_at": now,
            }
            connection.execute(insert_or_replace(connection, SEEN_PLACE, keys=_KEYS).values(**row))


def seen_places(store: Store, project: Project, *, record_marks: Collection[str]) -> list[Seen]:
    """List the forms of some records whose content was worked."""
    found: list[Seen] = []
    with store.read() as connection:
        for part in _parts(record_marks):
            query = select(SEEN_PLACE).where(_mine(project), SEEN_PLACE.c.record_mark.in_(part))
            found += [_to_seen(store, row) for row in connection.execute(query).mappings()]
    return found


def seen_records(store: Store, project: Project) -> frozenset[str]:
    """The marks of all records of which a form was worked."""
    query = select(SEEN_PLACE.c.record_mark).where(_mine(project)).distinct()
    with store.read() as connection:
        return frozenset(connection.execute(query).scalars())


def forget_places(store: Store, project: Project, *, marks: Collection[str]) -> None:
    """Forget forms that are no more."""
    with store.write() as connection:
        for part in _parts(marks):
            connection.execute(delete(SEEN_PLACE).where(_mine(project), SEEN_PLACE.c.place_mark.in_(part)))


def waiting_places(store: Store, study: str) -> frozenset[str]:
    """The marks of forms of which an item waits that nobody has begun to work.

    Its work will see them as they are then, whatever happens in the meantime.
    """
    is_open = and_(INBOX.c.done_at.is_(None), INBOX.c.claimed_by.is_(None))
    query = select(INBOX.c.place_mark).where(INBOX.c.study == study, is_open, INBOX.c.place_mark != "")
    with store.read() as connection:
        return frozenset(connection.execute(query).scalars())


def empty_names(connection: Connection, *, before: datetime, study: str | None) -> None:
    """Delete the names of records whose forms were worked before a time."""
    old = update(SEEN_PLACE).where(SEEN_PLACE.c.seen_at < before, SEEN_PLACE.c.sealed.is_not(None))
    old = old if study is None else old.where(SEEN_PLACE.c.study == study)
    connection.execute(old.values(sealed=None))


def _to_seen(store: Store, row: RowMapping) -> Seen:
    names = ("place_mark", "record_mark", "event", "instrument", "instance", "content_mark", "seen_at")
    try:
        record = store.keys.unseal(row["sealed"]).decode() if row["sealed"] else ""
    except StoreError:
        record = ""
    return Seen(**{name: row[name] for name in names}, record=record)


def _mine(project: Project) -> ColumnElement[bool]:
    return and_(SEEN_PLACE.c.study == project.study, SEEN_PLACE.c.project == project.name)


def _parts(marks: Collection[str]) -> Iterator[Sequence[str]]:
    """Marks in parts that fit into a statement."""
    listed = sorted(marks)
    return (listed[start : start + _BATCH] for start in range(0, len(listed), _BATCH))
