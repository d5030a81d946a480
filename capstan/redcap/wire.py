"""Sends a call to REDCap and hands the answer on, or raises the one error that says what went wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar

import requests
import urllib3
from requests.adapters import HTTPAdapter

from capstan.attachment import Attachment
from capstan.errors import OutcomeUnknown, RedcapError, RedcapUnavailable
from capstan.redcap.address import Token, host_of, is_loopback
from capstan.redcap.answers import nothing
from capstan.redcap.body import Body
from capstan.redcap.failures import Answer, TooLarge, TooMuch, failure
from capstan.redcap.parameters import Value, form_body, form_fields
from capstan.redcap.sentences import ERROR_START
from capstan.redcap.throttle import Pace

Parsed = TypeVar("Parsed")
Parameters = Mapping[str, Value]

BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 1.0, 30.0
MAX_ERROR_BYTES = 16 << 20
_POOL_SIZE = 16
_HEADERS = {
    "Accept-Encoding": "gzip",
    "User-Agent": "capstan",
}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class NotSent(RedcapUnavailable):
    """No connection was made, so nothing was asked and nothing was written."""


class Late(RedcapUnavailable):
    """No answer came in time; less at once may come sooner."""


class Wire:
    """One address and one token, with pooled connections; threads may share it."""

    def __init__(
        self,
        address: str,
        token: Token,
        *,
        timeout_seconds: tuple[float, float],
        attempts: int,
        sleep: Callable[[float], None],
        throttle: Pace,
        session: requests.Session | None = None,
    ) -> None:
        self.address, self.host, self._token = address, host_of(address), token
        self._timeout_seconds, self._attempts = timeout_seconds, max(1, attempts)
        self._sleep, self._throttle = sleep, throttle
        self._session = session or new_session(address)

    def read(
        self, parameters: Parameters, parse: Callable[[Body], Parsed], *, can_ask_less: bool = False
    ) -> Parsed:
        """Return the parsed answer of a call that changes nothing, trying again where that can help.

        A caller that `can_ask_less` does that where an answer is late, instead of asking for the same again.
        """
        outcome = self._outcome(parameters, parse)
        for attempt in range(self._attempts - 1):
            if not isinstance(outcome, RedcapUnavailable) or (can_ask_less and isinstance(outcome, Late)):
                break
            # Full jitter: many readers that fail together do not come back together.
            self._sleep(random.uniform(0, min(MAX_BACKOFF_SECONDS, BACKOFF_SECONDS * 2**attempt)))
            outcome = self._outcome(parameters, parse)
        if isinstance(outcome, RedcapError):
            raise outcome
        return outcome

    def write(
        self,
        parameters: Parameters,
        parse: Callable[[Body], Parsed],
        *,
        upload: Attachment | None = None,
    ) -> Parsed:
        """Return the parsed answer of a call that changes something; it is sent once and never again.

        An `upload` goes with it as a file. Raises `OutcomeUnknown` where REDCap may have done it although
        no usable answer came.
        """
        outcome = self._outcome(parameters, parse, upload=upload)
        is_open = isinstance(outcome, RedcapUnavailable | TooMuch)
        if is_open and not isinstance(outcome, NotSent | TooLarge):
            raise OutcomeUnknown(f"{outcome} It is not known whether this was written: read back first.")
        if isinstance(outcome, RedcapError):
            raise outcome
        return outcome

    def _outcome(
        self,
        parameters: Parameters,
        parse: Callable[[Body], Parsed],
        *,
        upload: Attachment | None = None,
    ) -> Parsed | RedcapError:
        """Return an error as a value: raised here, its context would hold the request and so the token."""
        place = f"{parameters['content']} at {self.host}"
        self._throttle.wait()
        try:
            with self._post(parameters, upload=upload) as response:
                return _parsed(response, parse, place=place)
        except RedcapError as error:
            error.__context__ = None
            return error.with_traceback(None)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            return _unreachable(error, place=place)

    def _post(self, parameters: Parameters, *, upload: Attachment | None) -> requests.Response:
        data: Any = form_body(parameters) if upload is None else form_fields(parameters)
        return self._session.post(
            self.address,
            data=data,
            files=None if upload is None else {"file": (upload.name, upload.content)},
            headers=_HEADERS | _FORM if upload is None else _HEADERS,
            auth=self._token,
            timeout=self._timeout_seconds,
            stream=True,
            # A redirected POST would arrive as a GET, or hand the token to another server.
            allow_redirects=False,
        )


def new_session(address: str) -> requests.Session:
    """Return a session that keeps connections open, keeps no cookies, and needs no proxy for this machine."""
    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_maxsize=_POOL_SIZE))
    session.mount("http://", HTTPAdapter(pool_maxsize=_POOL_SIZE))
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.trust_env = not is_loopback(address)
    return session


def _parsed(response: requests.Response, parse: Callable[[Body], Parsed], *, place: str) -> Parsed:
    body = Body(response)
    head = body.peek(1)
    # A file may be empty, or begin like an error; and REDCap takes files without a word.
    is_sound = bool(body.file_name) or (bool(head or parse is nothing) and not ERROR_START.match(head))
    if response.status_code == 200 and is_sound:
        return parse(body)
    text = body.read(MAX_ERROR_BYTES).decode("utf-8", errors="replace")
    raise failure(Answer(response.status_code, text, place))


def _unreachable(error: Exception, *, place: str) -> RedcapUnavailable:
    """Describe a transport error by its kind alone: the error itself holds the request and its body."""
    if isinstance(error, requests.exceptions.SSLError):
        return NotSent(f"REDCap ({place}): no secure connection; check the address and its certificate.")
    if _never_connected(error):
        return NotSent(f"REDCap ({place}): no connection; check the address and the network.")
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return Late(f"REDCap ({place}): no answer in time; ask for less at once or try later.")
    return RedcapUnavailable(f"REDCap ({place}): the connection broke off before the answer's end.")


def _never_connected(error: Exception) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)
