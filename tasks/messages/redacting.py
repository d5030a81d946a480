"""Redacting: what Twilio keeps of texts goes once the study needs it no longer."""

from __future__ import annotations

from datetime import datetime, timedelta

from capstan.errors import MessagingError
from capstan.store import due_for_redaction, note_redacted
from tasks.connections import LiveProject, folder_of
from tasks.messages.channels import open_twilio
from tasks.messages.queueing import room_of
from tasks.shield import effect, run_logger

# What is left is the next run's; each takes a request of its own.
_MOST = 200


@effect("redact messages")
def redact_old(live: LiveProject, *, now: datetime) -> int:
    """Let Twilio forget texts that ended long enough ago, as the study says; returns how many it has.

    What Twilio has not finished yet waits. The first request that it does not answer ends it: the next run
    goes on.
    """
    sms = live.study.messaging.sms
    if sms is None or sms.redact == "nothing":
        return 0
    kept = timedelta(days=live.study.retention_days) if sms.redact_after is None else sms.redact_after
    due = due_for_redaction(live.store, room_of(live.study), before=now - kept, limit=_MOST)
    if not due:
        return 0
    twilio, done = open_twilio(live.study, folder=folder_of(live.study)), 0
    try:
        for sid in due:
            if twilio.forget(sid, whole=sms.redact == "messages"):
                note_redacted(live.store, sid, now=now)
                done += 1
    except MessagingError as error:
        run_logger().warning("Not all texts could be redacted: %s", error)
    run_logger().info("redacted %d of %d texts", done, len(due))
    return done
