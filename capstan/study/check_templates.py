"""Checks a study's templates: files, variables and links are there; and what people should know of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from capstan.delivery import Channel
from capstan.dictionary import Dictionary
from capstan.errors import LogicError, StudyError
from capstan.events import EventGrid
from capstan.logic import parse
from capstan.logic.syntax import Constant
from capstan.project_names import Problem, Project, nearest
from capstan.segments import MAX_CHARACTERS, count_segments, odd_characters
from capstan.variables import QUEUE_LINK, SURVEY_LINK, built_in, message_events, variable_logic
from capstan.wording import Template, read_reply, read_templates
from capstan.wording.facts import sample_text

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.messages import Message

_MANY_SEGMENTS = 3
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]+)?")
_SHORTENERS = re.compile(r"\b(bit\.ly|tinyurl\.com|t\.co|goo\.gl|ow\.ly|is\.gd|buff\.ly)\b", re.IGNORECASE)
# Twilio itself takes these as answers, whatever a study means by them.
_TAKEN_ANSWER = re.compile(r"\b(?i:reply|text|answer|send)\W+(?:\w+\W+)?(YES|CANCEL|END|QUIT|START)\b")


def check_templates(
    study: Study, dictionary: Dictionary, *, grid: EventGrid, templates: Mapping[str, str]
) -> list[Problem]:
    """List what is wrong with the templates of messages and replies; `templates` are sources by file name."""
    project = Project(dictionary, grid)
    found = []
    for position, message in enumerate(study.messages):
        place = f"messages[{position}].template"
        try:
            wordings = _templates_of(message, study=study, templates=templates)
        except StudyError as error:
            found.append(Problem(place, str(error)))
            continue
        for wording in wordings.values():
            found += _check_wording(wording, message, study=study, project=project, place=place)
    return [*found, *_check_replies(study, templates=templates)]


def advise_on_templates(study: Study, *, templates: Mapping[str, str]) -> list[Problem]:
    """List what is allowed but should be known: many segments, missing languages, unapproved wordings.

    Lengths are those of `sample_text`. Templates that cannot be read have none.
    """
    found: list[Problem] = []
    for position, message in enumerate(study.messages):
        place = f"messages[{position}]"
        try:
            wordings = _templates_of(message, study=study, templates=templates)
        except StudyError:
            continue
        found += _advise_on_languages(message, wordings, place=place)
        for wording in wordings.values():
            found += _advise(wording, message, place=f"{place}.template")
    return found


def _templates_of(message: Message, *, study: Study, templates: Mapping[str, str]) -> Mapping[str, Template]:
    return read_templates(message, files=templates, language=study.messaging.language)


def _check_wording(
    wording: Template, message: Message, *, study: Study, project: Project, place: str
) -> Iterator[Problem]:
    known = built_in(message)
    events = message_events(message, study=study, layout=project.layout)
    for name in sorted(wording.variables - known):
        logic = variable_logic(name, message=message, events=events, layout=project.layout)
        if logic:
            yield from project.check_logic(logic, place=f"{place}: {name}", events=events or ("",))
        else:
            yield Problem(place, _why_unknown(name, message=message, project=project))


def _why_unknown(name: str, *, message: Message, project: Project) -> str:
    links = {SURVEY_LINK: "name the instrument in survey", QUEUE_LINK: "set queue_link: true"}
    if name in links:
        return f"it uses {name}; {links[name]}."
    if name in project.dictionary.by_name:
        return f"{name} is not on the message's event, or is a checkbox; say it as logic in values."
    advice = nearest(name, [*project.dictionary.by_name, *message.values, *built_in(message)])
    return f"there is no field {name!r}; {advice}, or say it as logic in values."


def _check_replies(study: Study, *, templates: Mapping[str, str]) -> Iterator[Problem]:
    inbound = study.inbound
    names = {f"inbound.replies.{part}": name for part, name in inbound.replies.model_dump().items()}
    names |= {f"inbound.keywords[{place}].reply": each.reply for place, each in enumerate(inbound.keywords)}
    for place, name in names.items():
        try:
            unknown = read_reply(name, files=templates).variables - {"study"} if name else frozenset()
        except StudyError as error:
            yield Problem(place, str(error))
            continue
        for variable in sorted(unknown):
            yield Problem(place, f"an answer knows only the variable study, not {variable}; remove it.")


def _advise_on_languages(
    message: Message, wordings: Mapping[str, Template], *, place: str
) -> Iterator[Problem]:
    for language in sorted(_languages_named(message.language) - set(wordings)):
        yield Problem(
            f"{place}.language", f"there is no template in {language}; nobody who needs it is written to."
        )
    for language in sorted(set(wordings) - {next(iter(wordings))} - set(message.subjects)):
        if message.subject:
            yield Problem(f"{place}.subjects", f"there is no subject in {language}; the first one is used.")
    unapproved = [wording for wording in wordings.values() if wording.version not in message.approved]
    for wording in unapproved if message.approved else ():
        said = f"the wording in {wording.language} is version {wording.version}, which is not approved."
        yield Problem(f"{place}.approved", said)


def _languages_named(text: str) -> frozenset[str]:
    """The words in logic that have the form of a language; logic that cannot be read has none."""
    try:
        steps = parse(text).steps
    except LogicError:
        return frozenset()
    words = [step.value for step in steps if isinstance(step, Constant)]
    return frozenset(word for word in words if isinstance(word, str) and _LANGUAGE.fullmatch(word))


def _advise(wording: Template, message: Message, *, place: str) -> Iterator[Problem]:
    where = f"{place} ({wording.language})"
    text = sample_text(wording)
    if message.survey and SURVEY_LINK not in wording.variables:
        yield Problem(where, f"it does not use {SURVEY_LINK}, although the message has a survey.")
    if Channel(message.channel) is Channel.SMS:
        yield from _advise_on_length(text, where=where)
    if _SHORTENERS.search(text):
        yield Problem(where, "carriers block texts with links of public shorteners; use the whole address.")
    if taken := _TAKEN_ANSWER.search(text):
        yield Problem(
            where, f"the answer {taken[1]} stops or starts all texts by itself; ask for another word."
        )


def _advise_on_length(text: str, *, where: str) -> Iterator[Problem]:
    counted = count_segments(text)
    if len(text) > MAX_CHARACTERS:
        yield Problem(where, f"it has about {len(text)} characters; {MAX_CHARACTERS} is the most.")
    elif counted.segments > _MANY_SEGMENTS:
        yield Problem(where, f"it takes about {counted.segments} segments, each of which is paid for.")
    odd = odd_characters(text)
    if odd:
        listed = " ".join(odd[:10])
        yield Problem(where, f"these characters make it more than twice as long to send: {listed}")
