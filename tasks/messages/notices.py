"""Notices: staff are told what happened, by mail and text, without ever failing what they are told of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from capstan.addresses import phone_number
from capstan.delivery import Answer, Channel, Outcome
from capstan.errors import CapstanError
from capstan.messaging import Mail, Text
from capstan.notice import Happening, Notice, listeners, recipients
from capstan.segments import count_segments
from capstan.settings import load_settings
from capstan.store import Store, claim_notices, notice_failed, notice_sent, raise_happenings
from capstan.study import Study, find_study, read_study
from tasks.connections import open_store
from tasks.folders import study_folders
from tasks.messages.channels import open_mailer, open_twilio
from tasks.messages.delivery_news import delivery_news, remember_told
from tasks.messages.limits import pace_of
from tasks.messages.queueing import room_of
from tasks.messages.run_news import failure_news, summary_news
from tasks.messages.turns import wait_for_turn
from tasks.shield import effect, run_logger, shielded

_Send = Callable[[Notice], Answer]
# An answer that was lost counts as sent: a second notice is a nuisance, and a storm is worse.
_SENT = frozenset({Outcome.ACCEPTED, Outcome.UNKNOWN})


@shielded
def tell_of_run(study: str, *, summary: Mapping[str, Any], now: datetime) -> None:
    """Tell staff what a run did, if they want to know of it."""
    _tell(study, summary_news(summary, at=now), now=now)


@shielded
def tell_of_failure(study: str, *, flow: str, error: BaseException, now: datetime) -> None:
    """Tell staff that a run failed, also one that did not get as far as REDCap."""
    _tell(study, failure_news(flow, error, at=now), now=now)


def tell_staff(store: Store, study: Study, *, folder: Path, now: datetime) -> Counter[str]:
    """Send every notice that is due, of this process or another; returns them by cause.

    What cannot be sent is due again at the next time. Nothing is raised over what providers do.
    """
    counts: Counter[str] = Counter()
    if not _is_told(study):
        return counts
    send = _senders(store, study, folder=folder)
    for number, notice in claim_notices(store, room_of(study), notify=study.notify, now=now):
        answer = send[notice.channel](notice)
        if answer.outcome in _SENT:
            notice_sent(store, number, now=now)
            counts[notice.cause.value] += 1
        else:
            notice_failed(store, number)
            run_logger().warning("A notice of %s was not sent: %s.", notice.cause, answer.outcome)
    return counts


def wanted_news(study: Study, happenings: Iterable[Happening]) -> list[Happening]:
    """What of it staff want to know; nothing where there is nobody to tell."""
    return [each for each in happenings if listeners(each, study.notify)]


def _tell(name: str, happenings: Iterable[Happening], *, now: datetime) -> None:
    folder = find_study(name, folders=study_folders(load_settings()))
    study = read_study(folder)
    if _is_told(study):
        _raise_and_tell(study, wanted_news(study, happenings), folder=folder, now=now)


@effect("tell staff")
def _raise_and_tell(study: Study, news: Sequence[Happening], *, folder: Path, now: datetime) -> None:
    with open_store(load_settings()) as store:
        both = [*news, *wanted_news(study, delivery_news(store, study, now=now))]
        raise_happenings(store, room_of(study), happenings=both)
        remember_told(store, study, now=now)
        tell_staff(store, study, folder=folder, now=now)


def _is_told(study: Study) -> bool:
    return bool(recipients(study.notify))


def _senders(store: Store, study: Study, *, folder: Path) -> dict[Channel, _Send]:
    """How each channel sends a notice; it is opened when it is first used."""
    mailer = cache(lambda: open_mailer(study, folder=folder))
    twilio = cache(lambda: open_twilio(study, folder=folder))
    region = study.messaging.sms.region if study.messaging.sms else "US"

    def mail(notice: Notice) -> Answer:
        return mailer().send(Mail(uuid4().hex, notice.address, notice.subject, notice.text))

    def text(notice: Notice) -> Answer:
        name, number = uuid4().hex, phone_number(notice.address, region=region)
        segments = count_segments(notice.text).segments
        begins = wait_for_turn(store, pace_of(study, Channel.SMS), name=name, segments=segments)
        return twilio().send(Text(name, number, notice.text, leave_from=begins))

    return {Channel.EMAIL: _careful(mail), Channel.SMS: _careful(text)}


def _careful(send: _Send) -> _Send:
    """A channel that cannot be opened has not sent, and does not keep the others from sending."""

    def attempt(notice: Notice) -> Answer:
        try:
            return send(notice)
        except CapstanError as error:
            return Answer(Outcome.NOT_SENT, detail=type(error).__name__)

    return attempt
