"""Sessions: forms that tell of them are loaded, and followed when records are renamed or deleted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from capstan import store as kept
from capstan.errors import StudyError, UsageError
from capstan.sessions import BadId, SessionId
from capstan.sessions.news import new_session
from capstan.sessions.reading import BLANK, is_ignored, read_session
from capstan.store import FormContent, FormPlace, SessionForm, SessionKey, Source, Store, Worked
from capstan.study import Study
from capstan.study.sessions import Sessions
from capstan.study.triggers import TriggerRule
from capstan.triggers import Place
from tasks.messages.notices import wanted_news
from tasks.messages.queueing import room_of

_IGNORED = BadId("The study passes this session id over (sessions.ignore in study.yaml).")
_SAID = ("session_id", "date", "comment", "user")
_NO_DATE = "The form has no date yet."


class LoadedSession(NamedTuple):
    """What became of a form: `session` is its session's name and `site` the site's code, if it is linked.

    A reason names codes of the study file at most, never what the form says.
    """

    outcome: Worked
    reason: str
    session: str
    site: str
    changed: bool


def load_session(
    store: Store,
    study: Study,
    *,
    rule: TriggerRule,
    row: Mapping[str, str],
    place: Place,
    now: datetime,
    version: str = "",
    event_id: str = "",
    user: str = "",
) -> LoadedSession:
    """Load what an exported row says of a session; the same row once more changes nothing.

    `user` is who saved the form, where the rule names no field for that. Raises StudyError where the study
    names no session ids, UsageError for a row without the rule's fields.
    """
    where = FormPlace(place.record, place.event, place.instrument, place.instance, event_id, version)
    form = read_form(study, rule=rule, row=row, place=where, user=user)
    (loaded,) = kept.load_forms(store, room_of(study), [form], now=now, causes=asked_causes(study))
    name = str(loaded.session) if loaded.session else ""
    site = form.named.site if isinstance(form.named, SessionId) and name else ""
    return LoadedSession(loaded.outcome, loaded.reason, name, site, loaded.changed)


def read_form(
    study: Study, *, rule: TriggerRule, row: Mapping[str, str], place: FormPlace, user: str = ""
) -> SessionForm:
    """Read what an exported row says of a session; dates end at their first space."""
    absent = [name for name in rule.fields if name not in row]
    if absent:
        raise UsageError(f"The export of {rule.instrument} lacks the fields {', '.join(absent)}.")
    said = {name: row[getattr(rule, name)] if getattr(rule, name) else "" for name in _SAID}
    content = FormContent(
        said["session_id"],
        date=said["date"].strip().partition(" ")[0],
        comment=said["comment"],
        user=said["user"] if rule.user else user or None,
    )
    named = name_session(study, content.session_id)
    lacks = named.reason if named in (BLANK, _IGNORED) and isinstance(named, BadId) else ""
    if rule.date and not content.date:
        lacks = lacks or _NO_DATE
    return SessionForm(place, content, named, lacks)


def name_session(study: Study, text: str) -> SessionId | BadId:
    """The session that a text names by the study's rules, or why it names none."""
    rules = session_rules(study)
    return _IGNORED if is_ignored(text, rules=rules) else read_session(text, rules=rules)


def asked_causes(study: Study) -> tuple[str, ...]:
    """Of what staff want to be told; of nothing where there is nobody."""
    staff = study.notify.staff
    return staff.on if staff.email or staff.sms else ()


def session_rules(study: Study) -> Sessions:
    """How the study's session ids are written; raises StudyError where it does not say."""
    if study.sessions is None:
        raise StudyError("The study file has no part `sessions`; add it to say how session ids are written.")
    return study.sessions


def report_session(
    store: Store, study: Study, *, session_id: str, source: Source, now: datetime, data_in: str = ""
) -> tuple[SessionKey, bool]:
    """Make the session that a text names, and whether it is new; `data_in` is where its data were found.

    Raises UsageError, which does not quote the text, where it names none.
    """
    named = name_session(study, session_id)
    if isinstance(named, BadId):
        raise UsageError(named.reason)
    is_new = kept.add_session(store, study.study, named, source=source, now=now)
    if is_new:
        news = wanted_news(study, [new_session(named, at=now)])
        kept.raise_happenings(store, room_of(study), happenings=news)
    key = SessionKey(study.study, named.name, named.number)
    if data_in:
        kept.note_data(store, key, source=data_in, now=now)
    return key, is_new


def follow_rename(store: Store, study: Study, *, old: str, new: str, now: datetime) -> int:
    """Let the forms of a record that was renamed in REDCap go on under its new name; returns how many."""
    return kept.follow_rename(store, room_of(study), old=old, new=new, now=now)


def mark_deleted(
    store: Store, study: Study, *, record: str, now: datetime, place: Place | None = None
) -> int:
    """Forget what a record that was deleted in REDCap said, or one form of it; returns how many forms."""
    where = FormPlace(record, place.event, place.instrument, place.instance) if place else None
    return kept.mark_deleted(store, room_of(study), record=record, now=now, place=where)
