"""Needs: which fields a study's rules read and write, so that exports carry no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from capstan.dictionary import Dictionary
from capstan.errors import LogicError
from capstan.logic import parse
from capstan.study import Study
from capstan.study.notices import Partner
from capstan.wording import read_templates


def visit_targets(study: Study) -> frozenset[str]:
    """The fields that visit dates are written to."""
    listed = [name for visit in study.visits for name in visit.write.model_dump().values()]
    return frozenset({*listed, study.tracking.pending_visit, study.tracking.last_timestamp} - {""})


def eligibility_targets(study: Study) -> frozenset[str]:
    """The fields that eligibility is written to."""
    return frozenset({*study.eligibility.write.model_dump().values()} - {""})


def visit_fields(study: Study, *, dictionary: Dictionary) -> frozenset[str]:
    """Every field that visit dates need: anchors, completions, the arm, and the targets."""
    rules = [text for visit in study.visits for text in (visit.anchor, visit.done_when)]
    return _needed(rules, targets=visit_targets(study), study=study, dictionary=dictionary)


def eligibility_fields(study: Study, *, dictionary: Dictionary) -> frozenset[str]:
    """Every field that eligibility needs: criteria, the arm, and the targets."""
    rules = [criterion.rule for criterion in study.eligibility.criteria]
    return _needed(rules, targets=eligibility_targets(study), study=study, dictionary=dictionary)


def message_fields(study: Study, *, dictionary: Dictionary, templates: Mapping[str, str]) -> frozenset[str]:
    """Every field that a plan of messages needs: rules, addresses, the variables of wordings, and visits.

    `templates` are the sources of the study's templates by file name; raises StudyError where one is wrong.
    """
    policy = study.messaging
    rules = [policy.paused_until, policy.hours.zone, *(stop.rule for stop in policy.stop_when)]
    variables: set[str] = set()
    for message in study.messages:
        rules += [message.to, message.when, message.consent, message.language, message.occasion]
        rules += message.values.values()
        wordings = read_templates(message, files=templates, language=policy.language)
        variables |= {name for wording in wordings.values() for name in wording.variables}
    visits = visit_fields(study, dictionary=dictionary) if any(each.visit for each in study.messages) else ()
    return _needed(rules, targets=frozenset(), study=study, dictionary=dictionary).union(
        variables & set(dictionary.by_name), visits
    )


def log_targets(study: Study) -> frozenset[str]:
    """The fields that say what became of messages, and of participants' addresses."""
    logs = [message.log for message in study.messages if message.log]
    fields = {name for log in logs for name in log.fields.model_dump().values()}
    complete = {f"{log.instrument}_complete" for log in logs if log.complete}
    marks = study.messaging.mark
    marked = {mark.field for mark in (marks.opted_out, marks.bad_number) if mark}
    return frozenset(fields | complete | marked) - {""}


def log_fields(study: Study, *, dictionary: Dictionary) -> frozenset[str]:
    """Every field that the log of messages needs: its targets, their branching, and the arm."""
    return _needed((), targets=log_targets(study), study=study, dictionary=dictionary)


def query_targets(study: Study) -> frozenset[str]:
    """The fields that queries are written to."""
    instrument = study.quality.queries.instrument
    return frozenset({*instrument.fields.model_dump().values()} - {""}) if instrument else frozenset()


def query_fields(study: Study, *, dictionary: Dictionary) -> frozenset[str]:
    """Every field that the query instrument needs: all of its own, their branching, and the arm."""
    instrument = study.quality.queries.instrument
    own = {field.name for field in dictionary.fields if instrument and field.form == instrument.name}
    return _needed((), targets=frozenset(own), study=study, dictionary=dictionary)


def phone_fields(study: Study, *, dictionary: Dictionary) -> frozenset[str]:
    """Every field that says who has which phone."""
    rules = [message.to for message in study.messages]
    return _needed(rules, targets=frozenset(), study=study, dictionary=dictionary)


def inbound_targets(study: Study) -> frozenset[str]:
    """The fields that take replies, and those of what a reply or one of its words asks to write."""
    marks = study.messaging.mark
    marked = {mark.field for mark in (marks.opted_out, marks.bad_number) if mark}
    written = {keyword.writes.field for keyword in study.inbound.keywords if keyword.writes}
    return frozenset({*study.inbound.fields.model_dump().values(), *marked, *written} - {""})


def inbound_fields(study: Study, *, dictionary: Dictionary) -> frozenset[str]:
    """Every field that writing replies down needs: its targets, their branching, and the arm."""
    return _needed((), targets=inbound_targets(study), study=study, dictionary=dictionary)


def partner_fields(partners: Iterable[Partner], study: Study, *, dictionary: Dictionary) -> frozenset[str]:
    """Every field that is compared with partners' rosters, what tells who is who there, and the arm."""
    listed = list(partners)
    targets = frozenset(one.field for partner in listed for one in partner.compare)
    ids = {partner.field for partner in listed if partner.field}
    return _needed((), targets=targets, study=study, dictionary=dictionary) | ids


def identity_fields(study: Study) -> frozenset[str]:
    """The fields that the gate must know of all records, to tell participants apart."""
    return frozenset({*study.checks.unique, *study.checks.same_person})


def _needed(
    rules: Iterable[str], *, targets: frozenset[str], study: Study, dictionary: Dictionary
) -> frozenset[str]:
    read = {field for rule in rules for field in parse(rule).fields}
    arm = {study.arms.assigned_by.field} if study.arms.assigned_by else set()
    named = {*read, *arm, *targets, *_branching(targets, dictionary=dictionary)}
    # Whatever is misspelt is left to the rules themselves, which say where it stands.
    return frozenset(named & set(dictionary.by_name))


def _branching(targets: frozenset[str], *, dictionary: Dictionary) -> set[str]:
    """What the targets' own branching logic reads: the gate asks whether they are shown."""
    found: set[str] = set()
    for name in targets & set(dictionary.by_name):
        try:
            found |= {reference.field for reference in parse(dictionary.by_name[name].branching).references}
        except LogicError:
            continue  # the gate notes logic that it cannot read
    return found
