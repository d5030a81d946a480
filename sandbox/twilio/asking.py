"""A request for a message, and what is refused whoever it goes to (7.3, steps 6 and 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import phonenumbers

from sandbox.twilio.config import Config, Service
from sandbox.twilio.magic import check_magic, check_test_sender
from sandbox.twilio.moments import read_moment
from sandbox.twilio.refusals import Refused

MAX_BODY = 1600
MAX_CALLBACK = 4000
QUEUE_SECONDS = 36_000
SCHEDULE_SECONDS = (300, 35 * 86_400)
MAX_MEDIA = 10
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,6}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


@dataclass(frozen=True)
class Wanted:
    """The parameters of a request for a message; '' is one that was not given."""

    phone: str
    sender: str
    service: str
    body: str
    content: str
    media: Sequence[str]
    callback: str
    validity: str
    schedule: str
    send_at: str


def read_wanted(form: Sequence[tuple[str, str]]) -> Wanted:
    """Read a form; parameters that are not known are ignored."""
    given: Mapping[str, str] = dict(form)
    return Wanted(
        phone=given.get("To", "").strip(),
        sender=given.get("From", "").strip(),
        service=given.get("MessagingServiceSid", "").strip(),
        body=given.get("Body", ""),
        content=given.get("ContentSid", ""),
        media=[value for name, value in form if name == "MediaUrl" and value],
        callback=given.get("StatusCallback", "").strip(),
        validity=given.get("ValidityPeriod", ""),
        schedule=given.get("ScheduleType", ""),
        send_at=given.get("SendAt", ""),
    )


def check_wanted(wanted: Wanted, config: Config) -> Service | None:
    """Return the service that is asked for; raises `Refused` for what the request itself lacks."""
    _check_complete(wanted)
    check_magic(wanted.sender, wanted.phone)
    service = config.service(wanted.service) if wanted.service else None
    if wanted.service and service is None:
        raise Refused(21701)
    if wanted.callback and not is_callback(wanted.callback):
        raise Refused(21609)
    validity_of(wanted)
    if wanted.sender:
        _check_sender(wanted.sender, config)
    return service


def check_test(wanted: Wanted, config: Config) -> None:
    """Judge a request with test credentials; raises `Refused`."""
    _check_complete(wanted)
    check_magic(wanted.sender, wanted.phone)
    if wanted.service:
        raise Refused(20008)
    check_test_sender(wanted.sender)
    check_phone(wanted, config)


def check_phone(wanted: Wanted, config: Config) -> None:
    """Raise `Refused` for what is no phone number, or in a country that is not enabled."""
    if wanted.phone == wanted.sender or not _E164.fullmatch(wanted.phone):
        raise Refused(21211)
    number = phonenumbers.parse(wanted.phone)
    if not phonenumbers.is_valid_number(number):
        raise Refused(21211)
    if phonenumbers.region_code_for_number(number) not in config.countries:
        raise Refused(21408)


def read_schedule(wanted: Wanted, now: float) -> float | None:
    """Return when a scheduled message is to go, None for one that goes now; raises `Refused`."""
    if not wanted.schedule:
        return None
    if wanted.schedule != "fixed":
        raise Refused(35114)
    if not wanted.service:
        raise Refused(35118)
    try:
        moment = read_moment(wanted.send_at)
    except ValueError as error:
        raise Refused(35111) from error
    soonest, latest = SCHEDULE_SECONDS
    if not soonest < moment - now <= latest:
        raise Refused(35115)
    return moment


def validity_of(wanted: Wanted) -> int:
    """Return how many seconds a message may wait; raises `Refused`."""
    text = wanted.validity.strip() or str(QUEUE_SECONDS)
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= QUEUE_SECONDS:
        raise Refused(20001, detail=f"ValidityPeriod is a whole number from 1 to {QUEUE_SECONDS}.")
    return int(text)


def _check_complete(wanted: Wanted) -> None:
    if not wanted.phone:
        raise Refused(21604)
    if not (wanted.sender or wanted.service):
        raise Refused(21603)
    if not (wanted.body or wanted.media or wanted.content):
        raise Refused(21602)
    if len(wanted.body) > MAX_BODY:
        raise Refused(21617)
    if len(wanted.media) > MAX_MEDIA:
        raise Refused(20001, detail=f"A message has at most {MAX_MEDIA} media.")


def _check_sender(sender: str, config: Config) -> None:
    if not _SENDER.fullmatch(sender):
        raise Refused(21212)
    if config.number(sender) is None:
        raise Refused(21606)


def is_callback(url: str) -> bool:
    """Whether statuses can be posted to an address."""
    if len(url) > MAX_CALLBACK or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and bool(host) and "_" not in host and (parts.port or 1) > 0
    except ValueError:
        return False
