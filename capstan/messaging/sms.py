"""Sends texts through Twilio's own library, once each, and reads what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar

import requests
import urllib3
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from capstan.delivery import Answer, Outcome
from capstan.errors import MessagingError, MessagingUnavailable
from capstan.messaging.account import check_account, check_sender
from capstan.messaging.receipts import (
    MAX_VALID_SECONDS,
    AccountStatus,
    Listed,
    Text,
    number,
    receipt,
    refusal,
)
from capstan.messaging.wire import CALL, OnceHttpClient

_NO_ANSWER = (requests.RequestException, urllib3.exceptions.HTTPError)
# What the library raises over an answer that is no JSON object, or not of the expected form.
_UNREADABLE = (ValueError, TypeError, AttributeError, LookupError)
_PAGE_SIZE, _MAX_LISTED = 200, 1000
_NOT_FOUND, _NOT_FINISHED = 20404, 20009
_BUSY = frozenset({408, 429})

Found = TypeVar("Found")


class _Absent(MessagingError):
    """Twilio itself says that there is none; a page with status 404 does not."""


class _Unfinished(MessagingError):
    """The message is still on its way."""


class Twilio:
    """An account at Twilio, or at a sandbox with `base_url`, that sends from a number or a service.

    `token` is the account's auth token, or the secret of `api_key`. `timeout_seconds` are for making a
    connection and for each wait for bytes. Threads may share it. Raises UsageError and Refused where account
    and address do not go together.
    """

    def __init__(
        self,
        account: str,
        token: str,
        *,
        sender: str = "",
        service: str = "",
        api_key: str = "",
        base_url: str = "",
        timeout_seconds: tuple[float, float] = (3.05, 10.0),
    ) -> None:
        check_account(account, token=token, base_url=base_url, api_key=api_key)
        check_sender(sender, service=service)
        self._account, self._sender, self._service = account, sender, service
        http = OnceHttpClient(base_url, timeout_seconds=timeout_seconds)
        self._client = Client(api_key or account, token, account, http_client=http)
        # Asked for now: the library imports it then, which would make the first message miss its moment.
        self._messages = self._client.messages

    def __repr__(self) -> str:
        return "<Twilio>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A connection to Twilio is not written to files: make a new one instead.")

    def send(self, text: Text) -> Answer:
        """Post one message, once, and say what it came to; nothing is raised over what Twilio does."""
        CALL.leave_from, CALL.leave_by = text.leave_from, text.leave_by
        try:
            return replace(self._post(text), left_at=CALL.left_at)
        finally:
            CALL.leave_from = CALL.leave_by = None

    def _post(self, text: Text) -> Answer:
        """Post; the library's exceptions are read for their codes only: their text may hold the number."""
        try:
            made = self._messages.create(
                to=text.to,
                body=text.text,
                from_=self._sender or None,
                messaging_service_sid=self._service or None,
                status_callback=text.callback_url or None,
                validity_period=max(1, min(text.valid_for_seconds, MAX_VALID_SECONDS)),
            )
        except TwilioException as error:
            return _refused(error)
        except _NO_ANSWER as error:
            outcome = Outcome.UNKNOWN if CALL.has_left else Outcome.NOT_SENT
            return Answer(outcome, detail=type(error).__name__)
        except _UNREADABLE as error:
            outcome = Outcome.UNKNOWN if CALL.has_left else Outcome.REJECTED
            return Answer(outcome, detail=type(error).__name__)
        return receipt(made.sid, status=made.status, segments=made.num_segments)

    def listed(self, to: str, *, since: datetime) -> list[Listed]:
        """Messages that we sent to a number from `since` on, newest first, as Twilio has them.

        There is no filter by time of creation, and what waits has no other time.
        """

        def ours() -> list[Listed]:
            found = self._client.messages.list(to=to, limit=_MAX_LISTED, page_size=_PAGE_SIZE)
            return [_listed(one) for one in found if one.direction == "outbound-api"]

        return [one for one in _asked(ours) if one.created_at >= since]

    def fetch(self, sid: str) -> Listed | None:
        """One message as Twilio has it now; None where it has none of that name."""
        return _asked_or_none(lambda: _listed(self._client.messages(sid).fetch()))

    def forget(self, sid: str, *, whole: bool) -> bool:
        """Empty the text that Twilio keeps of a message, or delete the message `whole`, with its number.

        Pictures go in both cases. False where Twilio has not finished with it yet; one that is gone counts.
        """
        message = self._client.messages(sid)

        def emptied() -> bool:
            # A list's errors have no code, so the message itself is asked for first.
            if number(message.fetch().num_media):
                for picture in message.media.list():
                    picture.delete()
            return bool(message.delete() if whole else message.update(body=""))

        try:
            _asked(emptied)
        except _Unfinished:
            return False
        except _Absent:
            return True
        return True

    def number_type(self, to: str) -> str:
        """The kind of a number (`mobile`, `landline`, …), or "" where nobody knows; each question is paid."""
        found = _asked_or_none(
            lambda: self._client.lookups.v2.phone_numbers(to).fetch(fields="line_type_intelligence")
        )
        return str((found.line_type_intelligence or {}).get("type") or "") if found else ""

    def account_status(self) -> AccountStatus:
        """The account's status and Twilio's clock."""
        status = _asked(lambda: self._client.api.accounts(self._account).fetch().status)
        return AccountStatus(str(status), _date(CALL.date))

    def owns_sender(self) -> bool:
        """Whether the account has the service, where there is one, else the number or short code."""
        if self._service:
            service = self._service
            return _asked_or_none(lambda: self._client.messaging.v1.services(service).fetch()) is not None
        sender = self._sender
        # Both filters take parts of numbers, too.
        found = _asked(lambda: self._client.incoming_phone_numbers.list(phone_number=sender))
        owned = [one.phone_number for one in found]
        if sender not in owned and not sender.startswith("+"):
            codes = _asked(lambda: self._client.short_codes.list(short_code=sender))
            owned = [one.short_code for one in codes]
        return sender in owned


def _refused(error: TwilioException) -> Answer:
    """The answer that the library made an exception of, by the status that came over the wire."""
    return refusal(CALL.status, code=_code(error), retry_after_seconds=CALL.retry_after_seconds)


def _code(error: TwilioException) -> int:
    """Twilio's code; where an answer has none, the library gives the status in its place, or nothing."""
    code = number(getattr(error, "code", None))
    return 0 if code == CALL.status else code


def _listed(one: Any) -> Listed:
    if not one.sid or one.date_created is None:
        raise ValueError("no message")
    return Listed(
        sid=str(one.sid),
        text=one.body or "",
        status=one.status or "",
        code=number(one.error_code),
        created_at=one.date_created,
    )


def _asked(question: Callable[[], Found]) -> Found:
    """Ask, and turn what the library raises into an error of ours, whose text is public."""
    code = 0
    try:
        return question()
    except TwilioException as error:
        code = _code(error)
        may_help = CALL.status in _BUSY or not 400 <= CALL.status < 500
    except (*_NO_ANSWER, *_UNREADABLE):
        may_help = True
    what = f"Twilio gave no usable answer (status {CALL.status or 'none'}, code {code or 'none'})"
    if code == _NOT_FOUND:
        raise _Absent(f"{what}; it has no such thing.")
    if code == _NOT_FINISHED:
        raise _Unfinished(f"{what}; the message is still on its way.")
    if may_help:
        raise MessagingUnavailable(f"{what}; try again in a while.")
    raise MessagingError(f"{what}; look at account, token and sender with `capstan doctor`.")


def _asked_or_none(question: Callable[[], Found]) -> Found | None:
    try:
        return _asked(question)
    except _Absent:
        return None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
