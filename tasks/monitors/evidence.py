"""Evidence: whether what a wait is for is there, looked up once more before anybody is told."""

from __future__ import annotations

from capstan.monitors import Evidence
from capstan.monitors.forms import has_followed
from capstan.probes import Look
from capstan.store import Awaited, MonitorWait, Session, note_data
from capstan.study.monitors import Follow, Monitor
from tasks.monitors.idle import late_opening
from tasks.monitors.probing import look_for_data
from tasks.monitors.watch import Watch

_SAID = {Awaited.DATA: "no data are expected", Awaited.SURVEY: "no survey is expected"}


def look_for(watch: Watch, monitor: Monitor, wait: MonitorWait) -> Look:
    """Look whether what a wait is for has come, or will not come."""
    if monitor.then is None:
        return _look(late_opening(watch, monitor) is None)
    session = watch.sessions.get(wait.session)
    if wait.session and session is None:
        return Look(Evidence.UNKNOWN, "the session is not there any more")
    if session and (said := _not_expected(session, monitor.then)):
        return Look(Evidence.NOT_EXPECTED, said)
    if monitor.then.form:
        return _look_for_form(watch, monitor.then, wait=wait, session=session)
    if monitor.then.reply:
        return _look_for_reply(watch, monitor.then.reply, wait=wait)
    return _look_for_data(watch, monitor.then.data, wait=wait, session=session)


def _not_expected(session: Session, then: Follow) -> str:
    """Why nothing will come for a session, "" if it may."""
    kind = Awaited.DATA if then.data else Awaited.SURVEY
    if session.is_phantom:
        return "the session is a phantom's"
    said = next((one for one in session.dismissals if one.kind is kind), None)
    return f"{_SAID[kind]}, says {said.by}: {said.reason}" if said else ""


def _look_for_form(watch: Watch, then: Follow, *, wait: MonitorWait, session: Session | None) -> Look:
    # A form that another study shares may have another name there.
    if session and session.record and (session.is_shared or session.record.instrument == then.form):
        return Look(Evidence.THERE)
    if wait.place is None or not wait.place.record:
        return Look(Evidence.MISSING)
    if wait.place.record not in watch.forms.by_record:
        return Look(Evidence.UNKNOWN, "its record cannot be seen any more")
    events = watch.events_for(then.form, event=then.event, near=wait.place.event)
    return _look(has_followed(then, watch.forms, place=wait.place, events=events))


def _look_for_reply(watch: Watch, message: str, *, wait: MonitorWait) -> Look:
    """A reply to the very message that was waited after, or to any of its name where that was another."""
    mine = [sent for sent in watch.sent if wait.place and sent.record == wait.place.record]
    named = [sent for sent in mine if sent.name == message]
    exact = [sent for sent in named if sent.key == wait.occasion]
    return _look(any(sent.is_answered for sent in exact or named))


def _look_for_data(watch: Watch, probe: str, *, wait: MonitorWait, session: Session | None) -> Look:
    if session and session.found:
        return Look(Evidence.THERE)
    look = look_for_data(watch, probe, wait=wait, session=session)
    if session and look.evidence is Evidence.THERE and not watch.dry_run:
        note_data(watch.store, session.key, source=probe, now=watch.clock())
    return look


def _look(is_there: bool) -> Look:
    return Look(Evidence.THERE if is_there else Evidence.MISSING)
