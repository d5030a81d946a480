"""Changes to a message that exists: emptied, called off, deleted (2.4)."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.twilio.calling import call_back
from sandbox.twilio.desk import Desk
from sandbox.twilio.messages import Message
from sandbox.twilio.refusals import Refused
from sandbox.twilio.webhooks import Webhook

_CANCELED = "canceled"


def change_message(desk: Desk, message: Message, *, form: Mapping[str, str]) -> list[Webhook]:
    """Empty a body (`Body=`) or call a scheduled message off (`Status=canceled`); raises `Refused`."""
    if "Body" in form:
        if form["Body"]:
            raise Refused(20001, detail="A body can be emptied only.")
        message = message._replace(is_redacted=True)
        desk.database.messages.move(message._replace(updated=desk.now))
    return _cancel(desk, message) if form.get("Status") == _CANCELED else []


def delete_message(desk: Desk, message: Message) -> None:
    """Delete a message from the API's view; raises `Refused` for one that is still on its way."""
    if not message.is_final:
        raise Refused(20009)
    desk.database.events.forget(message.sid)
    desk.database.messages.move(message._replace(is_deleted=True, updated=desk.now))


def _cancel(desk: Desk, message: Message) -> list[Webhook]:
    if message.status != "scheduled":
        raise Refused(20001, detail="Only a scheduled message can be canceled.")
    desk.database.events.forget(message.sid)
    desk.database.messages.move(message._replace(status=_CANCELED, updated=desk.now))
    return [call_back(desk, message, status=_CANCELED, code=0, copy=0)] if message.callback else []
