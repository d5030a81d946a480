"""What callers give and get of sessions: frozen values; only `FormContent` identifies people."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import RowMapping

from capstan.notice import Happening
from capstan.sessions import BadId, SessionId
from capstan.store.connection import Store
from capstan.store.inbox_work import Worked
from capstan.store.outbox_rows import Mailroom


class SessionKey(NamedTuple):
    """By what a session is known: its study, its timepoint's name, and its number."""

    study: str
    name: str
    number: int

    def __str__(self) -> str:
        """Write it as the session is named everywhere: the timepoint's name and two digits."""
        return f"{self.name}_{self.number:02}"


class Source(StrEnum):
    """Who said first that there is a session."""

    REDCAP = "redcap"
    DATA = "data"
    PERSON = "person"


class RecordState(StrEnum):
    """What became of a form that tells of a session."""

    LINKED = "linked"
    WAITING = "waiting"
    SET_ASIDE = "set aside"
    DELETED = "deleted"


class Awaited(StrEnum):
    """What a session is to have, unless a person says that it will not come."""

    SURVEY = "survey"
    DATA = "data"


@dataclass(frozen=True)
class FormPlace:
    """Where a form is; blank where the project has no events or nothing repeats, or where nobody told."""

    record: str = field(repr=False)
    event: str
    instrument: str
    instance: str
    event_id: str = ""
    version: str = ""


@dataclass(frozen=True, repr=False)
class FormContent:
    """What a form says of a session; it is kept sealed. `user` is None where nobody told who saved it."""

    session_id: str
    date: str = ""
    comment: str = ""
    user: str | None = None


@dataclass(frozen=True)
class SessionForm:
    """A form to load: its place, what it says, and the session that its id names.

    `lacks` is why it is not to be loaded before it is known, "" if nothing is lacking.
    """

    place: FormPlace
    content: FormContent
    named: SessionId | BadId
    lacks: str = ""


class Loaded(NamedTuple):
    """What became of a form: the session that it is now linked to, and whether anything changed.

    `state` is None for a form that lacks something before it is known, and was not kept. `news` is what
    staff may want to know of it.
    """

    outcome: Worked
    reason: str
    session: SessionKey | None
    state: RecordState | None
    changed: bool = False
    news: Happening | None = None


@dataclass(frozen=True)
class KeptRecord:
    """A form that was loaded. `record` and `content` are None once the form was deleted in REDCap.

    `key` is the session that it names, None where it names none; `reason` is why it waits or was set aside,
    and `by` who set it aside.
    """

    id: int
    room: Mailroom
    event: str
    instrument: str
    instance: str
    event_id: str
    version: str
    key: SessionKey | None
    state: RecordState
    reason: str
    by: str
    added_at: datetime
    changed_at: datetime
    record: str | None = field(repr=False)
    content: FormContent | None = field(repr=False)


class Dismissal(NamedTuple):
    """A person's word that something will not come."""

    kind: Awaited
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Session:
    """One session: its record if it has one, where its data were found, and what a person dismissed."""

    key: SessionKey
    site: str
    is_phantom: bool
    source: Source
    added_at: datetime
    record: KeptRecord | None
    is_shared: bool
    found: tuple[tuple[str, datetime], ...]
    dismissals: tuple[Dismissal, ...]

    def is_dismissed(self, kind: Awaited) -> bool:
        """Whether a person said that it will not come."""
        return any(one.kind is kind for one in self.dismissals)

    def lacks_survey(self, *, expecting_sites: Collection[str]) -> bool:
        """Whether its record is expected, and not here."""
        expected = not self.is_phantom and self.site in expecting_sites
        return expected and self.record is None and not self.is_dismissed(Awaited.SURVEY)

    @property
    def lacks_data(self) -> bool:
        """Whether a record says that it took place, and no data were found."""
        is_told = self.record is not None and not self.is_phantom
        return is_told and not self.found and not self.is_dismissed(Awaited.DATA)


def seal_form(store: Store, record: str, content: FormContent) -> bytes:
    """What identifies people in a form, sealed."""
    return store.keys.seal(json.dumps({"record": record, **asdict(content)}).encode())


def to_kept(store: Store, row: RowMapping) -> KeptRecord:
    """Make a KeptRecord of a row of the table `redcap_record`."""
    told = json.loads(store.keys.unseal(row["sealed"])) if row["sealed"] else {}
    record = told.pop("record", None)
    names = KeptRecord.__dataclass_fields__.keys() - {"room", "key", "state", "record", "content"}
    return KeptRecord(
        **{name: row[name] for name in names},
        room=Mailroom(row["study"], row["host"], row["project_id"]),
        key=SessionKey(row["study"], row["name"], row["number"]) if row["name"] else None,
        state=RecordState(row["state"]),
        record=record,
        content=FormContent(**told) if told else None,
    )
