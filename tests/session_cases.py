"""What tests of sessions share: a study with two sites, and forms that tell of sessions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from capstan.sessions import SessionId
from capstan.store import (
    KeptRecord,
    Loaded,
    Mailroom,
    SessionForm,
    SessionKey,
    Store,
    find_session,
    list_records,
    load_forms,
    load_keys,
)
from capstan.store.session_rows import FormContent, FormPlace
from capstan.study import Study
from capstan.triggers import Place
from tasks.sessions import LoadedSession, load_session, name_session

NOW = datetime(2026, 11, 22, 10, 15, 30, tzinfo=UTC)
SITES = [
    {"site": "CMH", "code": "DTI01", "other_codes": ["COGBD"]},
    {"site": "UTO", "code": "DTI01", "expects_redcap": False},
]
RULE = {
    "instrument": "scan_completed",
    "session_id": "par_id",
    "date": "date",
    "comment": "cmts",
    "user": "ra_id",
}
ID = "DTI01_CMH_H001_01_01"


def make_study(
    name: str = "demo",
    *,
    rule: dict[str, Any] | None = None,
    notify: dict[str, Any] | None = None,
    **sessions: Any,
) -> Study:
    """A study of sites CMH and UTO; keywords change its part `sessions`."""
    return Study.model_validate(
        {
            "study": name,
            "title": name,
            "redcap": {
                "url": "https://redcap.test/api/",
                "token": {"env": "T"},
                "project": {"id": 14, "title": name, "status": "development"},
            },
            "sessions": {"sites": SITES, **sessions},
            "triggers": [rule or RULE],
            "notify": notify or {},
        }
    )


STUDY = make_study()
ROOM = Mailroom("demo", "redcap.test", 14)


@contextmanager
def opened_store(folder: Path, url: str = "") -> Iterator[Store]:
    """A store in a folder, or in the database of a URL."""
    with Store.open(url or f"sqlite:///{folder / 'store.sqlite'}", load_keys(None, home=folder)) as store:
        yield store


def load(
    store: Store, session_id: str = ID, *, study: Study = STUDY, now: datetime = NOW, **given: str
) -> LoadedSession:
    """Load one completed form; `record`, `event`, `instance`, `date`, `comment`, `user`, `version`, `event_id`."""
    row = {
        "scan_completed_complete": "2",
        "par_id": session_id,
        "date": given.get("date", "2026-11-20"),
        "cmts": given.get("comment", ""),
        "ra_id": given.get("user", ""),
    }
    place = Place(
        given.get("record", "1"), given.get("event", ""), "scan_completed", given.get("instance", "")
    )
    known = {name: given[name] for name in ("version", "event_id") if name in given}
    return load_session(store, study, rule=study.triggers[0], row=row, place=place, now=now, **known)


def form(record: str = "1", session_id: str = ID, **content: str) -> SessionForm:
    """One form to load, as the store takes it."""
    named = name_session(STUDY, session_id)
    return SessionForm(FormPlace(record, "", "scan_completed", ""), FormContent(session_id, **content), named)


def key_of(session_id: str = ID, *, study: Study = STUDY) -> SessionKey:
    """The key of the session that an id names."""
    named = name_session(study, session_id)
    assert isinstance(named, SessionId)
    return SessionKey(study.study, named.name, named.number)


def record_of(store: Store, label: str = ID, *, study: str = "demo") -> KeptRecord | None:
    """The record of a session, None for none."""
    session = find_session(store, study, label)
    return session.record if session else None


def states(store: Store, study: str = "demo") -> list[tuple[str, str]]:
    """The record id and state of every form that was loaded."""
    return [(str(one.record), one.state.value) for one in list_records(store, study)]


def load_all(store: Store, *forms: SessionForm, now: datetime = NOW) -> tuple[Loaded, ...]:
    """Load several forms at once."""
    return load_forms(store, ROOM, forms, now=now)
