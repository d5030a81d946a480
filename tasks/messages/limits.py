"""Limits: what a study lets its channels send, as the outbox takes it."""

from __future__ import annotations

from datetime import datetime

from capstan.contact import contact_hours
from capstan.delivery import Channel
from capstan.errors import StudyError
from capstan.store import Caps, Pace
from capstan.study import Study


def caps_of(study: Study, *, now: datetime) -> Caps:
    """The study's limits on contact."""
    limits, sms = study.messaging.limits, study.messaging.sms
    month = now.astimezone(study.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Caps(
        **limits.model_dump(),
        price_per_segment=sms.price_per_segment if sms else 0,
        month_began=month,
        hours=contact_hours(study, now=now),
    )


def pace_of(study: Study, channel: Channel) -> Pace:
    """How fast a channel's sender may go; every study with the same sender shares its clock."""
    sms, email = study.messaging.sms, study.messaging.email
    if channel is Channel.SMS and sms is not None:
        return Pace(f"sms:{sms.service or sms.sender}", sms.segments_per_second)
    if channel is Channel.EMAIL and email is not None:
        # A letter counts as one segment.
        return Pace(f"email:{email.sender}", email.per_minute / 60)
    raise StudyError(f"The study has no messaging.{channel} in its study.yaml.")
