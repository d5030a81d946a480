"""Fills in what each contact says, in the participant's language, and judges the wording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from capstan.contact.rules import ContactRules
from capstan.contact.strike import strike
from capstan.delivery import Channel
from capstan.errors import StudyError
from capstan.logic import Layout
from capstan.message import Wording
from capstan.segments import MAX_CHARACTERS, count_segments
from capstan.variables import (
    OF_OCCASION,
    QUEUE_LINK,
    SURVEY_LINK,
    built_in,
    message_events,
    variable_logic,
)
from capstan.wording import Template, read_templates

if TYPE_CHECKING:
    from capstan.study.messages import Message

LINK_COLUMNS = ("survey", "record", "event", "instance", "link")
"""Links for wordings, as text: a blank survey is the participant's survey queue."""

NO_LINKS = pd.DataFrame({name: pd.Series(dtype="str") for name in LINK_COLUMNS})

# As long as a real one, so that a plan without links has the right number of segments.
_STAND_IN = "https://redcap.example.org/surveys/?s=0000000000000000"
_NOTHING = Wording("", "", "")


@dataclass(frozen=True, eq=False, repr=False)
class Wordings:
    """Fills in messages: `files` are the study's templates by name, `links` has `LINK_COLUMNS`."""

    rules: ContactRules
    layout: Layout
    files: Mapping[str, str]
    links: pd.DataFrame

    def fill(self, contacts: pd.DataFrame, message: Message) -> pd.DataFrame:
        """Add language, subject, text, html and segments to contacts that no rule has removed.

        The bool column `lacks_link` says that a link stands in the text which is not known yet.
        """
        default = self.rules.study.messaging.language.lower()
        templates = read_templates(message, files=self.files, language=default)
        spoken = self.rules.evaluate(message.language, contacts).str.strip().str.lower()
        judged = contacts.assign(language=spoken.where(spoken != "", default))
        judged = strike(judged, ~judged["language"].isin(list(templates)), rule="no_wording")
        if message.approved:
            approved = [name for name, each in templates.items() if each.version in message.approved]
            judged = strike(judged, ~judged["language"].isin(approved), rule="not_approved")
        return self._render(judged, message, templates=templates)

    def _render(
        self, contacts: pd.DataFrame, message: Message, *, templates: Mapping[str, Template]
    ) -> pd.DataFrame:
        open_ones = contacts[contacts["rule"] == ""]
        names = sorted(frozenset().union(*(each.variables for each in templates.values())))
        values = self._values(open_ones, message, names=names)
        lacks_link = pd.Series(False, index=contacts.index)
        for link in {SURVEY_LINK, QUEUE_LINK} & set(names):
            lacks_link |= (values[link] == "").reindex(contacts.index, fill_value=False)
            values[link] = values[link].replace("", _STAND_IN)
        languages = open_ones["language"].to_numpy(dtype=object)
        lines = zip(languages, values.to_numpy(dtype=object).tolist(), strict=True)
        said = [templates[language].render(dict(zip(names, line, strict=True))) for language, line in lines]
        lacking = np.array([wording is None for wording in said], dtype=bool)
        judged = strike(contacts, _spread(lacking, open_ones, contacts), rule="blank_variable")
        return _put(judged.assign(lacks_link=lacks_link), said, open_ones=open_ones, channel=message.channel)

    def _values(self, contacts: pd.DataFrame, message: Message, *, names: list[str]) -> pd.DataFrame:
        events = message_events(message, study=self.rules.study, layout=self.layout)
        known = built_in(message)
        found = {}
        for name in names:
            logic = variable_logic(name, message=message, events=events, layout=self.layout)
            if name in known:
                found[name] = self._built_in(name, contacts, message)
            elif logic:
                found[name] = self.rules.evaluate(logic, contacts)
            else:
                raise StudyError(f"The wording of {message.id} names {name}, which is no field; correct it.")
        return pd.DataFrame(found, index=contacts.index)

    def _built_in(self, name: str, contacts: pd.DataFrame, message: Message) -> pd.Series[str]:
        if name in OF_OCCASION:
            return contacts[name]
        if name in (SURVEY_LINK, QUEUE_LINK):
            survey = message.survey if name == SURVEY_LINK else ""
            return self._links(contacts, survey=survey)
        said = {"study": self.rules.study.title, "today": self.rules.now.date().isoformat()}
        return pd.Series(said[name], index=contacts.index, dtype="str")

    def _links(self, contacts: pd.DataFrame, *, survey: str) -> pd.Series[str]:
        keys = ["record", "event", "instance"] if survey else ["record"]
        mine = self.links[self.links["survey"] == survey].drop_duplicates(keys).set_index(keys)["link"]
        wanted = pd.MultiIndex.from_frame(contacts[keys]) if survey else pd.Index(contacts["record"])
        return mine.reindex(wanted).fillna("").set_axis(contacts.index)


def _put(
    contacts: pd.DataFrame, said: list[Wording | None], *, open_ones: pd.DataFrame, channel: str
) -> pd.DataFrame:
    wordings = pd.DataFrame([each or _NOTHING for each in said], columns=list(Wording._fields), dtype="str")
    texts = wordings.set_axis(open_ones.index).reindex(contacts.index, fill_value="")
    judged = contacts.assign(**{name: texts[name] for name in Wording._fields}, segments="0")
    if channel != Channel.SMS:
        return judged
    counted = {text: count_segments(text).segments for text in judged["text"].unique()}
    judged = judged.assign(segments=judged["text"].map(counted).astype("str"))
    return strike(judged, judged["text"].str.len() > MAX_CHARACTERS, rule="too_long")


def _spread(mask: np.ndarray, part: pd.DataFrame, whole: pd.DataFrame) -> pd.Series[bool]:
    return pd.Series(mask, index=part.index).reindex(whole.index, fill_value=False)
