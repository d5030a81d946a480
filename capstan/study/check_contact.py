"""Checks addresses, marks, replies, notices and partners of a study file against the live project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capstan.addresses import mail_address, phone_number
from capstan.project_names import Problem, Project, Target
from capstan.replies import reserved_words
from capstan.study.check_log import check_inbound_log
from capstan.study.targets import check_target

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.notices import Partner
    from capstan.study.parts import Mark


def check_contact(study: Study, project: Project) -> Iterator[Problem]:
    """What belongs to contact beside the messages themselves fits the project."""
    yield from _check_addresses(study)
    yield from _check_marks(study, project)
    yield from check_inbound_log(study.inbound, study=study, project=project)
    yield from _check_keywords(study, project)
    yield from _check_staff(study)
    for position, partner in enumerate(study.partners):
        yield from _check_partner(partner, study=study, project=project, place=f"partners[{position}]")


def _check_addresses(study: Study) -> Iterator[Problem]:
    region = study.messaging.sms.region if study.messaging.sms else "US"
    staff = study.notify.staff
    listed = {
        "messaging.test_addresses": study.messaging.test_addresses,
        "notify.staff.email": staff.email,
        "notify.staff.sms": staff.sms,
    }
    for position, role in enumerate(study.notify.roles):
        listed |= {f"notify.roles[{position}].{kind}": getattr(role, kind) for kind in ("sms", "email")}
    for place, addresses in listed.items():
        for position, text in enumerate(addresses):
            is_mail = place.endswith("email") or (place.startswith("messaging") and "@" in text)
            if not (mail_address(text) if is_mail else phone_number(text, region=region)):
                kind = "mail address" if is_mail else "phone number"
                yield Problem(f"{place}[{position}]", f"is no {kind} that can exist; correct it.")


def _check_marks(study: Study, project: Project) -> Iterator[Problem]:
    marks = study.messaging.mark
    for part, mark in (("opted_out", marks.opted_out), ("bad_number", marks.bad_number)):
        if mark is not None:
            yield from _check_mark(mark, study=study, project=project, place=f"messaging.mark.{part}")


def _check_mark(mark: Mark, *, study: Study, project: Project, place: str) -> Iterator[Problem]:
    if project.grid.is_longitudinal:
        yield from project.check_event(mark.event, place=f"{place}.event")
    target = Target(f"{place}.field", project.events_of(mark.event), words=(mark.value,))
    yield from check_target(mark.field, target=target, study=study, project=project)


def _check_keywords(study: Study, project: Project) -> Iterator[Problem]:
    for position, keyword in enumerate(study.inbound.keywords):
        for word in reserved_words(keyword.words):
            said = f"{word!r} stops, starts or asks for help already; choose another word."
            yield Problem(f"inbound.keywords[{position}].words", said)
        if keyword.writes:
            place = f"inbound.keywords[{position}].writes"
            yield from _check_mark(keyword.writes, study=study, project=project, place=place)


def _check_staff(study: Study) -> Iterator[Problem]:
    staff, messaging = study.notify.staff, study.messaging
    if staff.email and messaging.email is None:
        yield Problem("notify.staff.email", "there is no messaging.email to write with; add it.")
    if staff.sms and messaging.sms is None:
        yield Problem("notify.staff.sms", "there is no messaging.sms to write with; add it.")


def _check_partner(partner: Partner, *, study: Study, project: Project, place: str) -> Iterator[Problem]:
    events = project.events_of(partner.event) if partner.event else ()
    if partner.event:
        yield from project.check_event(partner.event, place=f"{place}.event")
    if partner.field:
        yield from project.check_field(partner.field, place=f"{place}.field", events=events)
    for position, compared in enumerate(partner.compare):
        where = f"{place}.compare[{position}]"
        if project.grid.is_longitudinal:
            yield from project.check_event(compared.event, place=f"{where}.event")
        words = tuple(dict.fromkeys(compared.values.values()))
        target = Target(f"{where}.field", project.events_of(compared.event), words=words)
        found = project.dictionary.by_name.get(compared.field)
        if found and not found.choices and found.validation:
            target = Target(target.place, target.events, validations=(found.validation,))
        yield from check_target(compared.field, target=target, study=study, project=project)
