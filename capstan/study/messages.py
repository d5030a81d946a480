"""The parts `messages` and `inbound` of the study file: what is sent, and what replies mean."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from capstan.study.parts import NAME, CodeText, DurationText, Logic, Mark, NeededLogic, Part

StatusWord = Literal["not scheduled", "upcoming", "due", "overdue", "missed", "complete"]


def _is_a_template(value: str) -> str:
    if value and not re.fullmatch(r"[\w-]+(\.[\w-]+)*\.(txt|html)\.j2", value):
        raise ValueError(
            "must be a file of the folder templates, such as reminder.txt.j2 or reminder.html.j2"
        )
    return value


TemplateName = Annotated[str, AfterValidator(_is_a_template)]


class VisitWhen(Part):
    """A visit, and the statuses in which it is a reason to write."""

    name: str
    status: tuple[StatusWord, ...] = Field(default=("due",), min_length=1)


class MessageLimits(Part):
    """How often a participant gets one message; with `every` it is repeated while its reason lasts."""

    per_participant: int = Field(default=0, ge=0)
    every: DurationText | None = None


class LogFields(Part):
    """Fields that take what became of a message; "" where nothing is to be written."""

    number: str = ""
    message: str = ""
    sid: str = ""
    status: str = ""
    error_code: str = ""
    sent_at: str = ""
    updated_at: str = ""


class MessageLog(Part):
    """Where a message is written down in REDCap; a blank event is the message's own.

    `complete` is what the instrument's form status gets once nothing more can happen.
    """

    event: str = ""
    instrument: str
    new_instance: bool = True
    fields: LogFields = LogFields()
    complete: CodeText = "2"


class Message(Part):
    """One kind of message.

    `to`, `when`, `consent`, `language`, `occasion` and `values` are logic on `event`, which is a unique
    name, its part before `_arm_N`, or blank for the participant as a whole; a visit brings its own event.
    `values` names what a wording uses beside fields. `fallback` is the email message that goes out where
    a phone cannot be texted. `approved` holds wording versions; empty asks for none.
    """

    id: str = Field(pattern=NAME)
    channel: Literal["sms", "email"]
    to: NeededLogic
    event: str = ""
    when: Logic = ""
    visit: VisitWhen | None = None
    consent: NeededLogic
    template: TemplateName
    subject: str = ""
    subjects: dict[str, str] = Field(default={})
    html: TemplateName = ""
    language: Logic = ""
    values: dict[str, NeededLogic] = Field(default={})
    occasion: Logic = ""
    expires: DurationText = timedelta(days=3)
    fallback: str = ""
    survey: str = ""
    queue_link: bool = False
    limits: MessageLimits = MessageLimits()
    attempts: int = Field(default=2, ge=1)
    approved: tuple[str, ...] = ()
    log: MessageLog | None = None


class Keyword(Part):
    """Words with a meaning of this study's own; `reply` is a template, and `notify` tells staff.

    `writes` is what the record of the only participant with this phone gets.
    """

    words: tuple[str, ...] = Field(min_length=1)
    reply: TemplateName = ""
    writes: Mark | None = None
    notify: bool = False


class Replies(Part):
    """Templates that answer by themselves; "" is no answer."""

    help: TemplateName = ""
    distress: TemplateName = ""
    unknown: TemplateName = ""


class InboundFields(Part):
    """Fields that take a text that came in."""

    sender: str = ""
    text: str = ""
    received_at: str = ""
    sid: str = ""


class Inbound(Part):
    """Where texts of participants are written down, as new instances, and what they mean.

    `distress` are the study's own words beside those that are known: staff are told at once.
    """

    event: str = ""
    instrument: str = ""
    fields: InboundFields = InboundFields()
    keywords: tuple[Keyword, ...] = ()
    distress: tuple[str, ...] = ()
    replies: Replies = Replies()
