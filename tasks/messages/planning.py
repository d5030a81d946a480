"""Planning: who would get what now, which rule removes whom, and what waits without a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from copy import copy
from datetime import date, datetime, time
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from capstan import store as outbox
from capstan.contact.list import missing_links, plan_messages
from capstan.errors import UsageError
from capstan.message import History, MessageState, is_answer
from capstan.needs import message_fields
from capstan.study import Study, read_template_files
from capstan.study.messages import Message
from tasks.connections import LiveProject, folder_of, open_project
from tasks.drift import refuse_drift
from tasks.messages.queueing import room_of
from tasks.messages.survey_links import fetch_links
from tasks.redcap import read_records
from tasks.shield import effect, run_logger, shielded

_NO_LINK = "no_link"
# What waits has its link, and each claim looks at hours and limits.
_ASKED_AGAIN = frozenset(
    {_NO_LINK, "closed_hours", "cap_run", "cap_day", "cap_day_participant", "cap_week_participant", "budget"}
)
_KEYS = ["message", "record", "occasion"]
_CONTENT = ("address", "subject", "text", "html")


def choose_messages(
    live: LiveProject, *, names: Collection[str] = (), surveys_only: bool = False, most: int | None = None
) -> LiveProject:
    """The project as if its study had some messages only, with their fallbacks, and another limit per run.

    All messages if `names` is empty. Raises UsageError for an unknown name, and where none is left.
    """
    study = live.study
    unknown = sorted(set(names) - {message.id for message in study.messages})
    if unknown:
        raise UsageError(f"The study has no message {unknown[0]!r}; see messages in its study.yaml.")
    asked = [each for each in study.messages if (each.id in names or not names) and _fits(each, surveys_only)]
    if not asked:
        what = "message with a survey" if surveys_only else "messages"
        raise UsageError(f"Study {study.study} has no {what}; add one to messages in its study.yaml.")
    kept = {name for message in asked for name in (message.id, message.fallback)}
    limits = study.messaging.limits
    changed = limits if most is None else limits.model_copy(update={"per_run": most})
    chosen = copy(live)
    chosen.study = study.model_copy(
        update={
            "messages": tuple(message for message in study.messages if message.id in kept),
            "messaging": study.messaging.model_copy(update={"limits": changed}),
        }
    )
    return chosen


class Outlook(NamedTuple):
    """What a run would do with messages: the study, and the plan (`PLANNED_COLUMNS`), participants' data."""

    study: Study
    planned: pd.DataFrame


@shielded
def look_ahead(study: str, *, names: Collection[str] = (), on: date | None = None) -> Outlook:
    """Plan a study's messages for a person to look at, at noon of a day or now; nothing is kept of it."""
    live = open_project(study, flow="send_messages", dry_run=True)
    try:
        chosen, zone = choose_messages(live, names=names), live.study.zone
        now = datetime.combine(on, time(12), zone) if on else datetime.now(zone)
        export = read_records(chosen, fields=fields_of_messages(chosen))
        return Outlook(live.study, plan_contacts(chosen, export=export, now=now, fetches_links=False))
    finally:
        live.close()


def fields_of_messages(live: LiveProject) -> frozenset[str]:
    """The fields that a plan of the study's messages needs; raises StudyError for a template."""
    return message_fields(live.study, dictionary=live.dictionary, templates=_templates(live))


@effect("plan messages")
def plan_contacts(
    live: LiveProject, *, export: pd.DataFrame, now: datetime, fetches_links: bool
) -> pd.DataFrame:
    """Plan the study's messages from an export, as `PLANNED_COLUMNS`.

    Survey links are fetched for those only that no other rule removes; without `fetches_links` such a row
    counts as one that is to be sent, with a link of the same length in its text.
    """
    refuse_drift(live, export)
    plan = partial(
        plan_messages,
        live.study,
        export,
        layout=live.layout,
        now=now,
        history=_history(live),
        templates=_templates(live),
    )
    planned = plan()
    lacking = missing_links(live.study, planned)
    if not fetches_links:
        return planned.assign(rule=planned["rule"].replace(_NO_LINK, ""))
    if len(lacking):
        planned = plan(links=fetch_links(live, lacking))
    run_logger().info("planned %d messages of %d", (planned["rule"] == "").sum(), len(planned))
    return planned


def count_plan(planned: pd.DataFrame) -> dict[str, dict[str, int]]:
    """A plan in counts that may be shown: messages by id, and those that are removed by rule."""
    is_open = planned["rule"] == ""
    return {
        "messages planned": _counted(planned.loc[is_open, "message"]),
        "messages removed": _counted(planned.loc[~is_open, "rule"]),
    }


@effect("withdraw messages")
def withdraw_waiting(
    live: LiveProject,
    *,
    planned: pd.DataFrame,
    others: Collection[str],
    now: datetime,
    records: Collection[str] | None = None,
) -> int:
    """Suppress what waits from earlier and would not be planned like that any more; returns how many.

    Consent may have ended since, a visit may have taken place, or the study has no such message any more. A
    number or a wording may have changed: then the plan queues it anew. `others` are the study's messages
    that the plan is not about, and `records` those that it is about, if not all.
    """
    plans: Mapping[Any, Any] = (
        planned.drop_duplicates(_KEYS).set_index(_KEYS)[[*_CONTENT, "rule"]].to_dict("index")
    )
    waiting = outbox.waiting_messages(live.store, room_of(live.study))
    found = {
        one.id: _against(one, plans.get((one.name, one.content.record, one.content.occasion)))
        for one in waiting
        if one.name not in others and not is_answer(one.name) and one.content is not None
        if records is None or one.content.record in records
    }
    against = {number: rule for number, rule in found.items() if rule}
    withdrawn = outbox.withdraw_messages(live.store, against, now=now)
    if withdrawn:
        run_logger().info("withdrew %d messages that waited", withdrawn)
    return withdrawn


def _against(waiting: outbox.Message, plan: Mapping[str, str] | None) -> str:
    """Why what waits must not go out as it is; blank where it may.

    What was tried already waits for its time, which other words do not shorten; but it goes to nobody's
    former number.
    """
    if plan is None or waiting.content is None:
        return "no_reason"
    if plan["rule"] and plan["rule"] not in _ASKED_AGAIN:
        return plan["rule"]
    # A plan that is put off may have no words yet.
    compared = ("address",) if waiting.attempts or plan["rule"] else _CONTENT
    differs = any(plan[name] != getattr(waiting.content, name) for name in compared)
    return "changed" if differs else ""


def _fits(message: Message, surveys_only: bool) -> bool:
    return bool(message.survey) or not surveys_only


def _history(live: LiveProject) -> History:
    """What was sent; what only waits is planned anew, so that it is judged by today's data."""
    told = outbox.read_history(live.store, room_of(live.study))
    return History(told.messages[told.messages["state"] != MessageState.PLANNED], told.blocks)


def _templates(live: LiveProject) -> dict[str, str]:
    return read_template_files(folder_of(live.study))


def _counted(words: pd.Series[str]) -> dict[str, int]:
    return {word: count for word, count in sorted(Counter(map(str, words)).items())}
