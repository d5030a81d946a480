"""Replies: acted on at once, without asking REDCap."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from capstan.replies import Reply, interpret
from capstan.replies.news import urgent_news
from capstan.settings import load_settings
from capstan.store import Incoming, Store, act_on, new_incoming, records_texted
from capstan.study import Study, find_study, read_study
from tasks.connections import open_store
from tasks.folders import study_folders
from tasks.form_links import with_record_link
from tasks.messages.notices import tell_staff, wanted_news
from tasks.messages.queueing import room_of
from tasks.shield import effect, run_logger


@effect("act on replies")
def act_on_replies(name: str, *, now: datetime) -> dict[str, int]:
    """Do what does not need REDCap: block and unblock phones, and call staff for danger; counts by meaning.

    So a STOP holds, and a cry for help is heard, also while REDCap is down.
    """
    settings = load_settings()
    folder = find_study(name, folders=study_folders(settings))
    study, counts = read_study(folder), Counter[str]()
    with open_store(settings) as store:
        for incoming in unseen(store, study):
            reply = understood(study, incoming)
            if _act(store, study, incoming, reply=reply, now=now):
                counts.update(each.value for each in reply.meanings)
        tell_staff(store, study, folder=folder, now=now)
    run_logger().info("replies by meaning: %s", dict(counts))
    return dict(counts)


def unseen(store: Store, study: Study) -> tuple[Incoming, ...]:
    """The texts to the study's service or number on which it has not acted."""
    sms = study.messaging.sms
    return new_incoming(store, room_of(study), service=sms.service, number=sms.sender) if sms else ()


def understood(study: Study, incoming: Incoming) -> Reply:
    """What a text means to the study; Twilio's own reading of it goes before ours."""
    sms, form = study.messaging.sms, incoming.form or {}
    return interpret(
        incoming.text,
        study.inbound,
        opt_out_type=form.get("OptOutType", ""),
        redaction=sms.redaction if sms else False,
    )


def _act(store: Store, study: Study, incoming: Incoming, *, reply: Reply, now: datetime) -> bool:
    room = room_of(study)
    records = records_texted(store, room, address=incoming.sender)
    news = urgent_news(reply, sid=incoming.sid, records=records, at=now)
    happenings = with_record_link(store, study, wanted_news(study, news), records=records, now=now)
    return act_on(store, room, incoming, meanings=reply.meanings, happenings=happenings, now=now)
