"""Posts a webhook over HTTP, as often as it is patient, and to allowed hosts only (7.6)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import urldefrag, urlencode, urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError as NoConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from sandbox.loopback import is_loopback_host
from sandbox.twilio.config import Config
from sandbox.twilio.overrides import Patience, read_patience
from sandbox.twilio.signing import signature_headers
from sandbox.twilio.webhooks import Attempt, Webhook

NOT_ALLOWED, NO_CONNECTION, NO_ANSWER = "refused", "ct", "rt"
MAX_ANSWER = 1 << 16


@dataclass(frozen=True)
class Heard:
    """What a receiver answered in the end; `attempts` has the outcome of every try."""

    attempts: list[Attempt]
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)

    @property
    def is_good(self) -> bool:
        return self.attempts[-1].outcome.startswith("2")


class Postman:
    """Posts webhooks; `now` is the sandbox's clock in epoch seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        # No retries and no redirects of its own: what is tried again is the webhook's to say.
        self._pool = urllib3.PoolManager(num_pools=8, maxsize=16, retries=False)

    def post(self, webhook: Webhook, config: Config) -> Heard:
        """Post until it succeeds or its patience ends."""
        if not _is_allowed(webhook.url, config):
            return Heard([Attempt(self._now(), NOT_ALLOWED)])
        url, fragment = urldefrag(webhook.url)
        patience, attempts = read_patience(fragment), list[Attempt]()
        end = time.monotonic() + patience.total_seconds
        while True:
            left = end - time.monotonic()
            outcome, content_type, body = self._try(webhook, url, config=config, patience=patience, left=left)
            attempts.append(Attempt(self._now(), outcome))
            is_last = len(attempts) > patience.retries or time.monotonic() >= end
            if is_last or not patience.tries_again(outcome):
                return Heard(attempts, content_type, body)

    def close(self) -> None:
        self._pool.clear()

    def _try(
        self, webhook: Webhook, url: str, *, config: Config, patience: Patience, left: float
    ) -> tuple[str, str, bytes]:
        fields = dict(webhook.fields)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": webhook.token,
            # An idle connection that the receiver just closed would look like a lost answer.
            "Connection": "close",
            **signature_headers(config, url, fields=fields),
        }
        connect, read = min(patience.connect_seconds, left), min(patience.read_seconds, left)
        try:
            answer = self._pool.request(
                "POST",
                url,
                body=urlencode(fields).encode(),
                headers=headers,
                timeout=urllib3.Timeout(connect=max(connect, 0.1), read=max(read, 0.1)),
                redirect=False,
                preload_content=False,
            )
            with answer:
                body = answer.read(MAX_ANSWER)
        except (NewConnectionError, NoConnection):
            return NO_CONNECTION, "", b""
        except (HTTPError, HTTPException, OSError, ValueError):
            return NO_ANSWER, "", b""
        return str(answer.status), answer.headers.get("Content-Type", ""), body


def _is_allowed(url: str, config: Config) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return is_loopback_host(host) or host in config.callback_hosts
