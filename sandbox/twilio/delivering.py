"""Gets webhooks posted in the background, and acts on what is answered."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from sandbox.twilio.database import Closed
from sandbox.twilio.desk import Desk
from sandbox.twilio.lanes import Lanes
from sandbox.twilio.posting import NO_CONNECTION, NOT_ALLOWED, Heard, Postman
from sandbox.twilio.receiving import answer
from sandbox.twilio.twiml import read_answer
from sandbox.twilio.webhooks import Kind, Webhook

_NOTES = {NOT_ALLOWED: "not posted: the host is not in callback_hosts", NO_CONNECTION: "11205"}
_FAILED = "11200"
_log = logging.getLogger("sandbox")


class Delivering:
    """Posts what is due, in order for each message; `desk` is asked for anew each time.

    `told` is called with each webhook whose end is known.
    """

    def __init__(
        self, desk: Callable[[], Desk], now: Callable[[], float], *, told: Callable[[Webhook], object]
    ) -> None:
        self._desk, self._told = desk, told
        self._postman, self._lanes = Postman(now), Lanes()

    def post(self, webhook: Webhook) -> None:
        """Post a webhook that is kept; returns at once."""
        self._lanes.add(webhook.sid, partial(self._deliver, webhook))

    def wait_for(self, sid: str) -> None:
        """Wait until all that was to be posted of one message has been."""
        self._lanes.add(sid, lambda: None).wait()

    def wait(self) -> None:
        """Wait until all that was to be posted has been."""
        self._lanes.wait()

    def close(self) -> None:
        self._lanes.close()
        self._postman.close()

    def _deliver(self, webhook: Webhook) -> None:
        heard = self._postman.post(webhook, self._desk().config)
        # Who closes the sandbox does not wait for a receiver that is slow.
        with suppress(Closed):
            try:
                self._keep(webhook, heard=heard)
            except sqlite3.OperationalError as error:
                # It is posted again when the sandbox starts the next time.
                _log.error("What became of a webhook could not be stored (%s).", error)

    def _keep(self, webhook: Webhook, *, heard: Heard) -> None:
        desk = self._desk()
        with desk.database.transaction():
            note = _take_answer(desk, webhook, heard=heard)
            desk.database.webhooks.finish(webhook, attempts=heard.attempts, note=note)
        self._told(webhook)


def _take_answer(desk: Desk, webhook: Webhook, *, heard: Heard) -> str:
    """Act on an answer; returns what Twilio's debugger would say of it."""
    if not heard.is_good:
        return _NOTES.get(heard.attempts[-1].outcome, _FAILED)
    message = desk.database.messages.get(webhook.sid) if webhook.kind is Kind.INBOUND else None
    if message is None:
        return ""
    said = read_answer(heard.content_type, heard.body)
    answer(desk, message, said=said)
    return said.note
