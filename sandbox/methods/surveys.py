"""content=surveyLink, surveyQueueLink, surveyReturnCode, surveyAccessCode, participantList (B.18)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.data.records import reachable_records
from sandbox.errors import ApiError
from sandbox.imports.responses import response_status
from sandbox.methods.asked import asked_event, asked_instrument, asked_place, asked_record, require_designated
from sandbox.project.model import Project
from sandbox.project.names import natural_key
from sandbox.project.parts import Event, RowKey
from sandbox.render import Answer, Cell, plain, table
from sandbox.session import Session
from sandbox.setup.surveys import email_field
from sandbox.storage.rows import load_rows
from sandbox.storage.surveys import Participant

# Neither text was recorded (J.1).
NOT_A_SURVEY = 'The instrument "{name}" is not enabled as a survey'
NO_QUEUE = "The Survey Queue has not been enabled in this project"
_COLUMNS = (
    "email",
    "email_occurrence",
    "identifier",
    "record",
    "invitation_sent_status",
    "invitation_send_time",
    "response_status",
    "survey_access_code",
    "survey_link",
)


def export_link(session: Session) -> Answer:
    """Answer the link of one survey for one record; the same each time."""
    return plain(f"{session.call.base_url}/surveys/?s={_participant(session).link}")


def export_access_code(session: Session) -> Answer:
    """Answer the code that opens one survey for one record."""
    return plain(_participant(session).access_code)


def export_return_code(session: Session) -> Answer:
    """Answer the code with which a participant returns to a response."""
    return plain(_participant(session).return_code)


def export_queue_link(session: Session) -> Answer:
    """Answer the link of a record's survey queue."""
    if not session.project.surveys:
        raise ApiError(NO_QUEUE)
    record = asked_record(session)
    link = session.store.surveys.queue_link(session.project_id, record)
    return plain(f"{session.call.base_url}/surveys/?sq={link}")


def export_participants(session: Session) -> Answer:
    """List everybody of one survey: records first, then those who were invited and have none yet."""
    survey = _Survey(_survey(session), asked_event(session))
    require_designated(session.project, survey.event, instrument=survey.instrument)
    roster = _roster(session, survey)
    people = session.store.surveys.of_survey(
        session.project_id, survey.event.event_id, instrument=survey.instrument, known=roster.known
    )
    seen: Counter[str] = Counter()
    rows = [_row(session, one, roster=roster, emails=seen) for one in _in_order(people, roster)]
    return table(_COLUMNS, rows, fmt=session.call.format, root="participants")


class _Survey(NamedTuple):
    instrument: str
    event: Event


@dataclass(frozen=True)
class _Roster:
    """What the project says of a survey's participants, by record and instance."""

    known: tuple[tuple[str, int], ...]
    emails: Mapping[str, str]
    stamps: Mapping[tuple[str, int], str]


def _survey(session: Session) -> str:
    instrument = asked_instrument(session)
    if instrument not in session.project.surveys:
        raise ApiError(NOT_A_SURVEY.format(name=instrument))
    return instrument


def _participant(session: Session) -> Participant:
    instrument = _survey(session)
    place = asked_place(session, asked_record(session), form=instrument)
    return session.store.surveys.of_record(
        session.project_id,
        place.event.event_id,
        instrument=place.form,
        record=place.record,
        instance=place.instance,
    )


def _roster(session: Session, survey: _Survey) -> _Roster:
    """Collect the participants: all records of the event's arm, with every instance that they have."""
    project, store = session.project, session.store
    rows = load_rows(store, project)
    records = _visible_records(session, rows, arm=survey.event.arm_num)
    places = {key: (key.record, key.instance or 1) for key in rows if _holds(project, key, survey=survey)}
    known = dict.fromkeys([*((record, 1) for record in records), *places.values()])
    stamps = {
        places[key]: found.get(f"{survey.instrument}_timestamp", "")
        for key, found in store.values.surveys(session.project_id)
        if key in places
    }
    field = email_field(project, survey.instrument)
    emails = {key.record: cells[field] for key, cells in rows.items() if cells.get(field)}
    return _Roster(tuple(one for one in known if one[0] in records), emails, stamps)


def _visible_records(session: Session, rows: Iterable[RowKey], *, arm: int) -> set[str]:
    events = {one.event_id for one in session.project.events if one.arm_num == arm}
    return {key.record for key in rows if key.event_id in events} & reachable_records(session)


def _holds(project: Project, key: RowKey, *, survey: _Survey) -> bool:
    return key.event_id == survey.event.event_id and project.is_applicable(key, survey.instrument)


def _in_order(people: Iterable[Participant], roster: _Roster) -> list[Participant]:
    visible = {record for record, _ in roster.known}
    mine = [one for one in people if not one.record or one.record in visible]
    return sorted(mine, key=lambda one: (not one.record, natural_key(one.record), one.instance))


def _row(session: Session, one: Participant, *, roster: _Roster, emails: Counter[str]) -> list[Cell]:
    email = one.email or roster.emails.get(one.record, "")
    emails[email] += 1
    # Answers of somebody who was invited without an identifier stay anonymous.
    is_anonymous = bool(one.email) and not one.identifier
    return [
        email,
        emails[email],
        one.identifier,
        "" if is_anonymous else one.record,
        int(bool(one.invited_at)),
        one.invited_at,
        response_status(roster.stamps.get((one.record, one.instance), "")),
        one.access_code,
        f"{session.call.base_url}/surveys/?s={one.link}",
    ]
