"""The desk for replies: who wrote, what is answered, and what staff must read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from capstan.errors import CapstanError
from capstan.needs import phone_fields
from capstan.notice import Happening
from capstan.phone_owners import phone_owners
from capstan.replies import Reply, may_answer
from capstan.replies.answers import NAMES, answer_to, may_repeat, plan_answer
from capstan.replies.news import reply_news
from capstan.store import (
    Incoming,
    Run,
    answered_at,
    forget_incoming,
    forget_notices,
    open_incoming,
    settle_incoming,
)
from capstan.study import read_template_files
from tasks.connections import LiveProject, folder_of
from tasks.form_links import with_record_link
from tasks.messages.lines import send_queued
from tasks.messages.notices import wanted_news
from tasks.messages.queueing import queue_plan, room_of
from tasks.messages.replies import understood, unseen
from tasks.redcap import export_records
from tasks.shield import effect, run_logger


@dataclass(frozen=True)
class Heard:
    """A text that came in, what it means, and the records of all participants with this phone."""

    incoming: Incoming
    reply: Reply
    records: frozenset[str]

    def __repr__(self) -> str:
        return f"<Heard {self.incoming.sid}>"

    @property
    def record(self) -> str:
        """The participant's record; blank where nobody or several have the phone."""
        return next(iter(self.records)) if len(self.records) == 1 else ""


@effect("match replies")
def match_replies(live: LiveProject, *, now: datetime, dry_run: bool) -> tuple[Heard, ...]:
    """Find out who wrote the replies that are not written down yet; a dry run looks at new ones too."""
    study = live.study
    waiting = open_incoming(live.store, room_of(study))
    texts = (*waiting, *unseen(live.store, study)) if dry_run else waiting
    if not texts:
        return ()
    export = export_records(live, fields=phone_fields(study, dictionary=live.dictionary))
    owners = phone_owners(study, export, layout=live.layout, now=now)
    return tuple(Heard(text, understood(study, text), owners.get(text.sender, frozenset())) for text in texts)


def count_replies(heard: Sequence[Heard]) -> dict[str, dict[str, int]]:
    """Replies in counts that may be shown: by meaning, and by how many participants have the phone."""
    meanings = Counter(each.value for one in heard for each in one.reply.meanings)
    owners = Counter(min(len(one.records), 2) for one in heard)
    words = {0: "nobody", 1: "one participant", 2: "several participants"}
    return {
        "replies": dict(meanings),
        "phones of": {word: owners[count] for count, word in words.items() if owners[count]},
    }


@effect("queue answers")
def queue_answers(live: LiveProject, run: Run, *, heard: Sequence[Heard], now: datetime) -> int:
    """Put the automatic answers to replies into the outbox, each once; returns how many are new."""
    templates = read_template_files(folder_of(live.study))
    # One after the other, because each counts against the next.
    return sum(_answer(live, run, one, templates=templates, now=now) for one in heard)


@effect("send answers")
def send_answers(live: LiveProject) -> dict[str, int]:
    """Send what waits; where that fails, it stays in the outbox for the next run."""
    try:
        return send_queued(live)
    except CapstanError as error:
        run_logger().warning("Answers wait in the outbox: %s", error)
        return {}


@effect("settle replies")
def settle_replies(live: LiveProject, *, heard: Sequence[Heard], now: datetime) -> None:
    """Remember that replies are done with, let staff know what a person must read, and forget old ones."""
    study, room = live.study, room_of(live.study)
    news = [each for one in heard for each in _news(live, one, now=now)]
    matches = {one.incoming.sid: len(one.records) for one in heard}
    settle_incoming(live.store, room, matches, happenings=news, now=now)
    kept = now - timedelta(days=study.retention_days)
    forget_incoming(live.store, room, before=kept)
    forget_notices(live.store, room, before=kept)


def _news(live: LiveProject, one: Heard, *, now: datetime) -> list[Happening]:
    """What staff want to know of a reply."""
    news = wanted_news(live.study, reply_news(one.reply, records=one.records, at=now))
    return with_record_link(live.store, live.study, news, records=one.records, now=now)


def _answer(live: LiveProject, run: Run, one: Heard, *, templates: Mapping[str, str], now: datetime) -> int:
    answer = answer_to(one.reply, live.study.inbound, is_participant=bool(one.records))
    if answer is None:
        return 0
    room, address = room_of(live.study), one.incoming.sender
    earlier = answered_at(live.store, room, address=address, names=NAMES)
    alike = answered_at(live.store, room, address=address, names=[answer.name])
    if not (may_answer(one.reply, earlier, now=now) and may_repeat(answer, alike, now=now)):
        return 0
    known = {"sid": one.incoming.sid, "address": address, "record": one.record}
    planned = plan_answer(answer, live.study, **known, templates=templates, now=now)
    return queue_plan(live, run, planned=planned, now=now).added
