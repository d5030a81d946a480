"""The timetable: every flow that has a deployment, when it runs by default, and which studies need it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capstan.study import Study


class Collision(StrEnum):
    """What becomes of a run that is due while another of its deployment goes on."""

    SKIP = "CANCEL_NEW"
    WAIT = "ENQUEUE"


@dataclass(frozen=True)
class DefaultTimes:
    """One of a flow's schedules: a `slug`, and cron on the study's clock or how often."""

    slug: str
    cron: str = ""
    every: timedelta | None = None


@dataclass(frozen=True)
class Row:
    """One flow: what people read of it, its default times (none is on demand), and who needs it.

    At most `limit` runs of one study go on at the same time.
    """

    flow: str
    about: str
    times: tuple[DefaultTimes, ...] = ()
    is_needed: Callable[[Study], bool] = lambda _study: True
    collision: Collision = Collision.WAIT
    limit: int = 1


def _contacts(study: Study) -> bool:
    return bool(study.messages)


def _has_surveys(study: Study) -> bool:
    return any(message.survey for message in study.messages)


def _follows(study: Study) -> bool:
    return bool(study.visits or study.eligibility.criteria)


def _hears(study: Study) -> bool:
    return bool(study.triggers or study.receiver.partners)


TIMETABLE = (
    Row(
        "poll_participants",
        "Computes visits and eligibility of those whose records changed.",
        (
            DefaultTimes("weekdays", "*/15 5-22 * * 1-5"),
            DefaultTimes("weekends", "0 6,9,12,15,18,21 * * 0,6"),
        ),
        _follows,
        # A poll that is still running makes the next one needless.
        Collision.SKIP,
    ),
    Row(
        "compute_visit_dates",
        "Computes visit dates of everybody; the second run of a night mends what the first could not reach.",
        (DefaultTimes("nightly", "0 0,4 * * *"),),
        lambda study: bool(study.visits),
    ),
    Row(
        "check_eligibility",
        "Judges the criteria of eligibility for everybody, between the two runs for visit dates.",
        (DefaultTimes("nightly", "0 2 * * *"),),
        lambda study: bool(study.eligibility.criteria),
    ),
    Row(
        "check_partner_status",
        "Compares partners' rosters with REDCap, before and after the night's other work.",
        (DefaultTimes("nightly", "20 1,5 * * *"),),
        lambda study: bool(study.partners),
    ),
    Row(
        "send_messages",
        "Sends what is due, in the daytime. Nobody gets a message twice; what waits goes out too.",
        (DefaultTimes("daytime", "10,40 9-19 * * *"),),
        _contacts,
    ),
    Row(
        "send_surveys",
        "Sends the messages that carry a survey's link.",
        (DefaultTimes("daily", "50 13 * * *"),),
        _has_surveys,
    ),
    Row(
        "check_deliveries",
        "Writes down what became of messages, between the runs that send.",
        (DefaultTimes("daytime", "25,55 5-22 * * *"),),
        _contacts,
        Collision.SKIP,
    ),
    Row(
        "check_replies",
        "Acts on texts of participants. Staff are called for danger at once.",
        (DefaultTimes("always", "3-58/5 * * * *"),),
        lambda study: study.messaging.sms is not None,
        Collision.SKIP,
    ),
    Row(
        "ingest_triggers",
        "Works on what REDCap and partners told. It also runs at once when the receiver rings.",
        (DefaultTimes("always", "*/5 * * * *"),),
        _hears,
        # Two never do the same work twice, so that a second one may begin while the first is busy.
        limit=2,
    ),
    Row(
        "reconcile_triggers",
        "Finds what REDCap sent no trigger for, and what was deleted or renamed.",
        (DefaultTimes("hourly", "12 * * * *"),),
        lambda study: bool(study.triggers),
        Collision.SKIP,
    ),
    Row(
        "load_sessions",
        "Finds the sessions that no trigger told of.",
        (DefaultTimes("nightly", "30 3 * * *"),),
        lambda study: any(rule.session_id for rule in study.triggers),
        Collision.SKIP,
    ),
    Row(
        "run_monitors",
        "Looks for what should have followed and did not, and tells who can act.",
        (DefaultTimes("hourly", "7 * * * *"),),
        lambda study: bool(study.monitors),
        Collision.SKIP,
    ),
    Row(
        "data_quality",
        "Judges what the whole project holds, and how it changes from night to night, after the other work.",
        (DefaultTimes("nightly", "40 5 * * *"),),
        collision=Collision.SKIP,
    ),
    Row(
        "try_alarm",
        "Lets the alarm ring, so that people know that it can.",
        (DefaultTimes("weekly", "20 9 * * 1"),),
        lambda study: bool(study.notify.staff.email or study.notify.staff.sms),
    ),
    Row("import_records", "Give the path of a CSV file that the worker can read; its name is shown here."),
    Row("apply_plan", "Give the digest of the held plan, and who approves it and why."),
    Row("rejudge_quarantine", "After corrections in REDCap: judges the rows in quarantine again."),
    Row("complete_forms", "Sets the status of forms that are complete."),
    Row("revert_run", "Give the id of the run that is to be undone."),
)
