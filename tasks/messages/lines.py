"""Lines: the study's channels, ready to send, to be asked what became of messages, and to be reconciled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

from capstan.contact import contact_hours
from capstan.delivery import Channel
from capstan.errors import MessagingError
from capstan.message import MessageState
from capstan.messaging import Twilio
from capstan.progress import Advance, working
from capstan.settings import load_settings
from capstan.store import (
    AHEAD,
    Run,
    asked_for,
    close_silent,
    count_messages,
    due_for_check,
    list_stops,
    record_event,
)
from tasks.connections import LiveProject, folder_of
from tasks.crash import crash_point
from tasks.heartbeat import kept_alive
from tasks.messages.channels import open_mailer, open_twilio
from tasks.messages.limits import caps_of, pace_of
from tasks.messages.queueing import room_of
from tasks.messages.reconciling import Listing, reconcile
from tasks.messages.senders import LetterSender, TextSender
from tasks.messages.sending import Line, Sender, send_waiting, workers_for
from tasks.shield import effect, run_logger

# Where callbacks come, asking is the net below them; without them it is the only way.
_SILENT_FOR = timedelta(hours=1)


@effect("open channels")
def check_channels(live: LiveProject) -> None:
    """Refuse channels that cannot be opened, before anything is queued; nothing is asked of them."""
    for channel in channels_of(live):
        _sender(live, channel)


@effect("send messages")
def send_queued(
    live: LiveProject, run: Run | None = None, *, records: Collection[str] | None = None
) -> dict[str, int]:
    """Send what waits on every channel of the study; returns attempts by the state that they led to.

    `run` is the open run that it belongs to, if any; `records` are those whose messages are sent, if not all.
    """
    counts: Counter[str] = Counter()
    waiting = count_messages(live.store, study=live.study.study).get(MessageState.PLANNED, 0)
    with kept_alive(live, run) if run else nullcontext(), working("send messages", waiting) as advance:
        for channel in channels_of(live):
            line = _line(live, channel, records=records, advance=advance)
            sent = send_waiting(line, workers=workers_for(line.pace))
            counts.update({state.value: count for state, count in sent.items()})
    run_logger().info("sent: %s", dict(counts))
    crash_point("texted")
    return dict(counts)


@effect("list stops")
def count_stops(live: LiveProject) -> dict[str, int]:
    """What a person or a guard has stopped, by channel and message."""
    stops = list_stops(live.store, room_of(live.study))
    return dict(Counter(" ".join(filter(None, (one.channel, one.name))) or "everything" for one in stops))


@effect("reconcile messages")
def reconcile_unknown(live: LiveProject) -> dict[str, int]:
    """Look once for each message whose answer was lost; returns how many are in which state now."""
    counts: Counter[str] = Counter()
    for channel in channels_of(live):
        settled = reconcile(
            live.store,
            room_of(live.study),
            channel=channel,
            listing=_listing(live, channel),
            now=datetime.now(UTC),
        )
        counts.update({state.value: count for state, count in settled.items()})
    return dict(counts)


@effect("ask for deliveries")
def ask_for_deliveries(live: LiveProject, *, records: Collection[str] | None = None) -> int:
    """Ask Twilio what became of texts of which nothing final was heard; returns how many said something new.

    `records` are those whose texts are asked for, if not all.
    The first question that Twilio does not answer ends it: the next run asks again.
    """
    if Channel.SMS not in channels_of(live):
        return 0
    twilio, now = open_twilio(live.study, folder=folder_of(live.study)), datetime.now(UTC)
    silent_for = _SILENT_FOR if load_settings().public_url else timedelta(0)
    room = room_of(live.study)
    due = due_for_check(live.store, room, channel=Channel.SMS, now=now, silent_for=silent_for)
    if records is not None:
        due = tuple(one for one in due if one.message.content and one.message.content.record in records)
    news = 0
    try:
        with working("ask for deliveries", len(due)) as advance:
            for one in due:
                news += _ask(live, twilio, attempt=one.attempt.id, sid=one.attempt.sid or "", now=now)
                advance(1)
    except MessagingError as error:
        run_logger().warning("Not all deliveries could be asked for: %s", error)
    closed = close_silent(live.store, room, channel=Channel.SMS, now=now)
    run_logger().info("asked for %d deliveries, %d have news, %d never will", len(due), news, closed)
    return news + closed


def channels_of(live: LiveProject) -> tuple[Channel, ...]:
    """The channels that the study has, texts first."""
    return tuple(channel for channel in Channel if getattr(live.study.messaging, channel.value) is not None)


def _ask(live: LiveProject, twilio: Twilio, *, attempt: str, sid: str, now: datetime) -> bool:
    found = twilio.fetch(sid)
    asked_for(live.store, attempt, now=now)
    if found is None or not found.status:
        return False
    return record_event(
        live.store, attempt=attempt, sid=sid, status=found.status, code=found.code, at=now, now=now
    )


def _line(live: LiveProject, channel: Channel, *, records: Collection[str] | None, advance: Advance) -> Line:
    pace, caps = pace_of(live.study, channel), caps_of(live.study, now=datetime.now(UTC))
    # Texts wait on their connection, which takes a while to make; letters are sent at their time.
    early = AHEAD if channel is Channel.SMS else timedelta(0)
    sender = _sender(live, channel)
    return Line(
        live.store,
        room_of(live.study),
        channel,
        pace,
        caps,
        sender,
        early=early,
        records=records,
        advance=advance,
    )


def _sender(live: LiveProject, channel: Channel) -> Sender:
    study, folder = live.study, folder_of(live.study)
    if channel is Channel.EMAIL:
        email = study.messaging.email
        return LetterSender(open_mailer(study, folder=folder), email.unsubscribe if email else "")
    hours = contact_hours(study, now=datetime.now(UTC))
    return TextSender(open_twilio(study, folder=folder), load_settings().public_url or "", hours)


def _listing(live: LiveProject, channel: Channel) -> Listing | None:
    """How to list what the provider has; None where it lists nothing, or forgets texts."""
    sms = live.study.messaging.sms
    if channel is not Channel.SMS or sms is None or sms.redaction:
        return None
    twilio = open_twilio(live.study, folder=folder_of(live.study))
    return lambda to, since: twilio.listed(to, since=since)
