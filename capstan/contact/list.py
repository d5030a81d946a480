"""The contact list: who would get what and when, and which rule removes whom, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from capstan.contact import OpenHours, contact_hours, next_open, zones_of
from capstan.contact.limits import ContactLimits
from capstan.contact.rules import ContactRules
from capstan.contact.strike import strike
from capstan.contact.wording import LINK_COLUMNS, NO_LINKS, Wordings
from capstan.delivery import Channel
from capstan.logic import Layout
from capstan.message import PLANNED_COLUMNS, History, MessageState, write_time
from capstan.occasions import OCCASION_COLUMNS, Export, list_occasions

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.messages import Message

__all__ = ["LINK_COLUMNS", "NO_LINKS", "missing_links", "plan_messages"]

_UNREACHABLE = ("no_address", "bad_address")
_NOBODY = pd.DataFrame({name: pd.Series(dtype="str") for name in PLANNED_COLUMNS}).assign(lacks_link=False)
_MAY_FALL_BACK = ("", MessageState.FAILED)


def plan_messages(
    study: Study,
    export: pd.DataFrame,
    *,
    layout: Layout,
    now: datetime,
    history: History,
    templates: Mapping[str, str],
    links: pd.DataFrame = NO_LINKS,
) -> pd.DataFrame:
    """List every contact that the study's messages ask for, as `PLANNED_COLUMNS`; "" in `rule` is to be sent.

    `export` is keyed and has the fields that `needs.message_fields` names; `now` is aware; `templates` are
    the sources of the study's templates by file name. Rows are in the order of the study's messages. A row
    that needs a link which `links` (`LINK_COLUMNS`) lacks is removed as `no_link`, after all other rules:
    fetch what `missing_links` names, and plan again.
    Raises StudyError for a template and LogicError for logic that cannot be used.
    """
    local = now.astimezone(study.zone)
    table, occasions = list_occasions(study.messages, Export(study, export, layout, local))
    rules = ContactRules(study, table.table, history, local)
    desk = _Desk(rules, Wordings(rules, layout, templates, links), contact_hours(study, now=local))
    ordered = sorted(study.messages, key=lambda message: Channel(message.channel) is not Channel.SMS)
    listed: dict[str, pd.DataFrame] = {}
    for message in ordered:
        fallen = [_fallen(listed[first.id]) for first in ordered if first.fallback == message.id]
        contacts = pd.concat([occasions[message.id], *fallen], ignore_index=True)
        listed[message.id] = desk.list_contacts(contacts, message)
    planned = pd.concat([_NOBODY, *(listed[message.id] for message in study.messages)], ignore_index=True)
    judged = ContactLimits(study, history, desk.hours, local).judge(planned)
    judged = strike(judged, judged["lacks_link"], rule="no_link")
    return judged[list(PLANNED_COLUMNS)].astype("str")


def missing_links(study: Study, planned: pd.DataFrame) -> pd.DataFrame:
    """The links that a plan lacks, as `LINK_COLUMNS` with a blank `link`; a blank survey is the queue."""
    lacking = planned[planned["rule"] == "no_link"]
    parts = [NO_LINKS]
    for message in study.messages:
        rows = lacking.loc[lacking["message"] == message.id, ["record", "event", "instance"]]
        if message.survey:
            parts.append(rows.assign(survey=message.survey, link=""))
        if message.queue_link:
            parts.append(rows.assign(survey="", event="", instance="", link=""))
    return pd.concat(parts, ignore_index=True)[list(LINK_COLUMNS)].drop_duplicates(ignore_index=True)


def _fallen(contacts: pd.DataFrame) -> pd.DataFrame:
    """The occasions of text messages that cannot arrive, and never did."""
    is_lost = contacts["rule"].isin(_UNREACHABLE) & contacts["last_state"].isin(_MAY_FALL_BACK)
    return contacts.loc[is_lost, list(OCCASION_COLUMNS)]


@dataclass(frozen=True, eq=False, repr=False)
class _Desk:
    """Lists the contacts of one message after the other."""

    rules: ContactRules
    wordings: Wordings
    hours: OpenHours

    def list_contacts(self, occasions: pd.DataFrame, message: Message) -> pd.DataFrame:
        """Judge and word the occasions of a message; the last columns are of use within this module."""
        contacts = self.rules.judge(occasions.assign(message=message.id, rule=""), message)
        contacts = self._set_times(contacts, message)
        return self.wordings.fill(contacts, message)

    def _set_times(self, contacts: pd.DataFrame, message: Message) -> pd.DataFrame:
        """Add zones, not_before and not_after; whoever's hours open too late is removed.

        Whom a rule has removed before is not looked up: the study's zone stands for theirs.
        """
        now = self.rules.now.astimezone(UTC)  # a day is 24 hours, also when a clock is changed
        zones = self._zones(contacts)
        opened = {name: next_open(now, zones=name.split(), hours=self.hours) for name in zones.unique()}
        texts = {name: write_time(moment or now) for name, moment in opened.items()}
        late = [name for name, moment in opened.items() if not moment or moment > now + message.expires]
        timed = contacts.assign(
            zones=zones, not_before=zones.map(texts), not_after=write_time(now + message.expires)
        )
        return strike(timed, zones.isin(late), rule="closed_hours")

    def _zones(self, contacts: pd.DataFrame) -> pd.Series[str]:
        study = self.rules.study
        named = self.rules.evaluate(study.messaging.hours.zone, contacts)
        is_phone = (contacts["rule"] == "") & (contacts["channel"] == Channel.SMS)
        clues = list(zip(named, contacts["address"].where(is_phone, ""), strict=True))
        found = {
            clue: " ".join(zones_of(named=clue[0], phone=clue[1], otherwise=study.timezone))
            for clue in set(clues)
        }
        return pd.Series([found[clue] for clue in clues], index=contacts.index, dtype="str")
