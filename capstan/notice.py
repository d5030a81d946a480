"""Notices to staff: what happened, as one digest for each cause and person, without participants' data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from capstan.delivery import Channel

if TYPE_CHECKING:
    from capstan.study.notices import Notify, Role, Staff

Person = tuple[Channel, str]

_DAY = timedelta(days=1)
_MOST_LINES = {Channel.EMAIL: 20, Channel.SMS: 3}
_MOST_RECORDS = 10


class Cause(StrEnum):
    """Why staff are told something."""

    FAILURE = "failure"  # a run failed, or a channel was stopped
    OUTAGE = "outage"  # REDCap does not answer, or does so again: for all who want to know of failures
    HOLD = "hold"  # a run waits for a person
    SUMMARY = "summary"  # what a run did
    DELIVERY = "delivery"  # messages that did not arrive
    DISTRESS = "distress"  # a reply that sounds like danger: told at once, whatever the limits
    QUESTION = "question"  # replies that a person must read
    SESSION = "session"  # a session came in
    WAITING = "waiting"  # a form that tells of a session waits for a person
    MONITOR = "monitor"  # what a monitor waits for has not come; whoever the monitor names is told
    QUALITY = "quality"  # the data of a project are not as they are expected to be, or are so again


TITLES = {
    Cause.FAILURE: "something failed",
    Cause.OUTAGE: "REDCap and the runs",
    Cause.HOLD: "a run waits for you",
    Cause.SUMMARY: "summary",
    Cause.DELIVERY: "messages did not arrive",
    Cause.DISTRESS: "URGENT: a participant may be in danger",
    Cause.QUESTION: "participants wrote",
    Cause.SESSION: "new sessions",
    Cause.WAITING: "forms of sessions wait for you",
    Cause.MONITOR: "something is missing",
    Cause.QUALITY: "the quality of the data",
}


STAFF = "staff"
"""The role of everybody in `notify.staff`."""

_URGENT = frozenset({Cause.DISTRESS})
# Told once when it begins and once when it ends, so that the end need not wait.
_PROMPT = frozenset({Cause.OUTAGE})


@dataclass(frozen=True)
class Happening:
    """One thing that staff should know; `text` holds no participant's data, `record` may name one.

    With `roles` it is for the people of these roles at its site, with `people` for these addresses alone.
    `link` leads the staff to the form.
    """

    cause: Cause
    text: str
    at: datetime
    record: str = ""
    roles: tuple[str, ...] = ()
    site: str = ""
    link: str = ""
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """That a person was told of a cause before, and when."""

    address: str
    cause: Cause
    at: datetime


@dataclass(frozen=True)
class Notice:
    """One notice to one person; `happenings` is how many things it tells."""

    channel: Channel
    address: str
    cause: Cause
    subject: str
    text: str
    happenings: int


def due_notices(
    happenings: Sequence[Happening],
    notify: Notify,
    *,
    study: str,
    now: datetime,
    told: Sequence[Told],
    people: Sequence[Person] | None = None,
) -> list[Notice]:
    """Digest what is not told yet: one notice for each cause and person who is to hear of it now.

    A cause is told to a person again only after `notify.every`, but for an outage, and a person gets no more
    than `notify.per_day` notices in 24 hours; the last of them says so. Distress knows neither limit.
    `people` are those to look at, everybody who may be told without them.
    """
    notices: list[Notice] = []
    for cause in Cause:
        for channel, address in recipients(notify) if people is None else people:
            news = [
                each
                for each in happenings
                if each.cause is cause and (channel, address) in listeners(each, notify)
            ]
            mine = [each for each in told if each.address == address]
            made = sum(notice.address == address for notice in notices)
            left = notify.per_day - made - sum(each.at > now - _DAY for each in mine)
            is_soon = cause not in _PROMPT and any(
                each.cause is cause and each.at > now - notify.every for each in mine
            )
            if news and (cause in _URGENT or (left > 0 and not is_soon)):
                subject = f"[{study}] {TITLES[cause]}"
                text = _digest(news, subject, channel=channel, notify=notify, is_last=left == 1)
                notices.append(Notice(channel, address, cause, subject, text, len(news)))
    return notices


def recipients(notify: Notify) -> list[Person]:
    """Everybody who may be told something, staff first."""
    listed: tuple[Staff | Role, ...] = (notify.staff, *notify.roles)
    return list(dict.fromkeys(person for part in listed for person in _people(part)))


def listeners(happening: Happening, notify: Notify) -> list[Person]:
    """Who is to hear of a thing: its roles' people at its site, else the staff who asked for its cause.

    What is for a role nobody has to ask for: staff hear of it where its roles have nobody.
    """
    heard = _listeners(happening, notify)
    return [person for person in heard if not happening.people or person[1] in happening.people]


def _listeners(happening: Happening, notify: Notify) -> list[Person]:
    staff = list(_people(notify.staff))
    if not happening.roles:
        wanted = Cause.FAILURE if happening.cause is Cause.OUTAGE else happening.cause
        return staff if wanted.value in notify.staff.on else []
    named = (role for role in notify.roles if role.name in happening.roles)
    there = [role for role in named if not role.sites or happening.site in role.sites]
    people = [person for role in there for person in _people(role)]
    return staff + people if STAFF in happening.roles or not people else people


def _people(part: Staff | Role) -> Iterable[Person]:
    yield from ((Channel.EMAIL, address) for address in part.email)
    yield from ((Channel.SMS, address) for address in part.sms)


def _digest(
    news: Sequence[Happening], subject: str, *, channel: Channel, notify: Notify, is_last: bool
) -> str:
    """One line for each different text, with how often it happened and, where allowed, to whom."""
    counts = Counter(each.text for each in news)
    lines = [] if channel is Channel.EMAIL else [subject]  # a text message has no subject
    for text, count in counts.most_common(_MOST_LINES[channel]):
        records = [each.record for each in news if each.text == text] if notify.record_ids else []
        lines.append(_line(text, count=count, records=records))
        if channel is Channel.EMAIL:
            lines += _links(each.link for each in news if each.text == text)
    left_out = len(counts) - _MOST_LINES[channel]
    more = [f"… and {left_out} other things."] if left_out > 0 else []
    last = ["This is the last notice for today; look at the journal for more."] if is_last else []
    return "\n".join([*lines, *more, *last])


def _line(text: str, *, count: int, records: Sequence[str]) -> str:
    named = sorted({record for record in records if record})
    shown = ", ".join(named[:_MOST_RECORDS]) + (" …" if len(named) > _MOST_RECORDS else "")
    times = f"{count} × " if count > 1 else ""
    return f"{times}{text}{f' (records {shown})' if named else ''}"


def _links(links: Iterable[str]) -> list[str]:
    """Where the forms are, each once; a long list is cut."""
    distinct = list(dict.fromkeys(link for link in links if link))
    return [f"  {link}" for link in distinct[:_MOST_RECORDS]]
