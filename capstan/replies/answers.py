"""What answers a reply by itself: which template, when, and how often at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from capstan.addresses import phone_number
from capstan.contact import contact_hours, next_open, zones_of
from capstan.delivery import Channel
from capstan.message import ANSWER, PLANNED_COLUMNS, write_time
from capstan.replies import Meaning, Reply
from capstan.segments import count_segments
from capstan.wording import read_reply

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.study.messages import Inbound

NAMES = tuple(f"{ANSWER}{kind}" for kind in ("distress", "help", "keyword", "unknown"))
_DISTRESS, _HELP, _KEYWORD, _UNKNOWN = NAMES
# Whoever asks for help, or may be in danger, is not left waiting for the morning.
_AT_ANY_HOUR = frozenset({_DISTRESS, _HELP})
_MOST_A_DAY = {_DISTRESS: 1}
_MOST_ALIKE_A_DAY = 2
_DAY = timedelta(days=1)
_EXPIRES = timedelta(hours=12)


class Answer(NamedTuple):
    """An automatic answer: its name in the outbox, and its template."""

    name: str
    template: str


def answer_to(reply: Reply, inbound: Inbound, *, is_participant: bool) -> Answer | None:
    """Choose the answer to a reply, if the study has one; strangers are answered for danger and help only."""
    meanings, replies = reply.meanings, inbound.replies
    chosen = None
    if Meaning.DISTRESS in meanings:
        chosen = Answer(_DISTRESS, replies.distress)
    elif Meaning.HELP in meanings:
        chosen = Answer(_HELP, replies.help)
    elif reply.keyword and is_participant:
        chosen = Answer(_KEYWORD, reply.keyword.reply)
    elif meanings == (Meaning.QUESTION,) and is_participant:
        chosen = Answer(_UNKNOWN, replies.unknown)
    return chosen if chosen and chosen.template else None


def may_repeat(answer: Answer, earlier: Sequence[datetime], *, now: datetime) -> bool:
    """Whether an address may get an answer once more; `earlier` is when it got the same kind."""
    today = sum(moment > now - _DAY for moment in earlier)
    return today < _MOST_A_DAY.get(answer.name, _MOST_ALIKE_A_DAY)


def plan_answer(
    answer: Answer,
    study: Study,
    *,
    sid: str,
    address: str,
    record: str,
    templates: Mapping[str, str],
    now: datetime,
) -> pd.DataFrame:
    """The answer to one reply as a plan of `PLANNED_COLUMNS`; there is one for each reply, named by its sid.

    It expires after half a day. Raises StudyError for a template that is absent or wrong.
    """
    said = read_reply(answer.template, files=templates).render({"study": study.title})
    text = said.text if said else ""
    hours = contact_hours(study, now=now.astimezone(study.zone))
    zones = () if answer.name in _AT_ANY_HOUR else zones_of(named="", phone=address, otherwise=study.timezone)
    opens = (next_open(now, zones=zones, hours=hours) if zones else now) or now + _EXPIRES
    row = dict.fromkeys(PLANNED_COLUMNS, "") | {
        "message": answer.name,
        "record": record,
        "occasion": sid,
        "channel": Channel.SMS.value,
        "address": address,
        "text": text,
        "segments": str(count_segments(text).segments),
        "zones": " ".join(zones),
        "not_before": write_time(opens),
        "not_after": write_time(now.astimezone(UTC) + _EXPIRES),
        "rule": _against(study, address=address, text=text, is_late=opens >= now + _EXPIRES),
    }
    return pd.DataFrame([row], columns=list(PLANNED_COLUMNS), dtype="str")


def _against(study: Study, *, address: str, text: str, is_late: bool) -> str:
    """The rule that removes an answer, "" if none."""
    region = study.messaging.sms.region if study.messaging.sms else "US"
    tested = {phone_number(each, region=region) for each in study.messaging.test_addresses}
    if not study.messaging.live and address not in tested:
        return "not_live"
    if not text:
        return "blank_variable"
    return "closed_hours" if is_late else ""
