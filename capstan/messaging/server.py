"""A mail server: one connection for one attempt, secured and logged in, or the reason why not."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from capstan.delivery import Answer, Outcome
from capstan.errors import MessagingError, MessagingUnavailable, UsageError
from capstan.messaging.oauth import TokenDesk
from capstan.messaging.smtp_replies import Progress, Stage, judge_failure, judge_reply

Security = Literal["starttls", "tls", "none"]
_LOGIN_REFUSED = 535

Deliver = Callable[[smtplib.SMTP, Progress], Answer]


@dataclass(frozen=True)
class Login:
    """How we show who we are: with a token (XOAUTH2), with a password, or, with neither, not at all."""

    user: str = ""
    password: str = field(default="", repr=False)
    oauth_token: str = field(default="", repr=False)
    desk: TokenDesk | None = field(default=None, repr=False)

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.password or self.oauth_token or self.desk)

    def ready(self) -> Login:
        """The same with a token that holds now, where a desk gives tokens; raises as the desk does."""
        return self if self.desk is None else replace(self, oauth_token=self.desk.token(), desk=None)

    def bearer(self, challenge: bytes | None = None) -> str:
        """The answers of XOAUTH2: the token, then nothing to the server's reason for refusing it."""
        return "" if challenge is not None else f"user={self.user}\x01auth=Bearer {self.oauth_token}\x01\x01"


@dataclass(frozen=True)
class MailServer:
    """Where letters are handed over; `own_name` is how we introduce ourselves."""

    host: str
    port: int
    security: Security
    login: Login
    own_name: str
    timeout_seconds: float

    def __post_init__(self) -> None:
        """Refuse settings that cannot work, or that would show a password to the network."""
        if self.security == "none" and self.login.is_needed:
            raise UsageError(
                "The login would go unencrypted: set messaging.email.security to starttls or tls."
            )
        if self.login.is_needed and not self.login.user:
            raise UsageError("There is a password or token for the mail server, but no messaging.email.user.")
        if not f"{self.login.user}{self.login.password}{self.login.oauth_token}".isascii():
            raise UsageError(
                "User, password and token of the mail server must be ASCII: SMTP takes no other."
            )

    def attempt(self, deliver: Deliver) -> Answer:
        """Connect, let `deliver` do its part, and say what it came to; nothing is raised over the server."""
        progress = Progress()
        try:
            login = self.login.ready()
            with self._session(progress, login=login) as smtp:
                return deliver(smtp, progress)
        except MessagingUnavailable as error:
            return Answer(Outcome.NOT_SENT, detail=type(error).__name__)
        except MessagingError as error:
            return Answer(Outcome.HALT, code=_LOGIN_REFUSED, detail=type(error).__name__)
        except smtplib.SMTPResponseException as error:
            if progress.stage is Stage.CONTENT:  # smtplib could not read the reply
                return Answer(Outcome.UNKNOWN, detail=type(error).__name__)
            if progress.stage is Stage.LOGIN and self.login.desk:
                self.login.desk.forget()
            return judge_reply(error.smtp_code, error.smtp_error, stage=progress.stage)
        except OSError as error:
            return judge_failure(error, stage=progress.stage)

    @contextmanager
    def _session(self, progress: Progress, *, login: Login) -> Iterator[smtplib.SMTP]:
        smtp = self._connect()
        try:
            if self.security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
            progress.stage = Stage.LOGIN
            _log_in(smtp, login)
            yield smtp
            # Its answer would add nothing, and waiting for it could lose ours.
            with suppress(OSError):
                smtp.putcmd("quit")
        finally:
            smtp.close()

    def _connect(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(
                self.host,
                self.port,
                local_hostname=self.own_name,
                timeout=self.timeout_seconds,
                context=ssl.create_default_context(),
            )
        return smtplib.SMTP(self.host, self.port, local_hostname=self.own_name, timeout=self.timeout_seconds)


def _log_in(smtp: smtplib.SMTP, login: Login) -> None:
    if login.oauth_token:
        smtp.auth("XOAUTH2", login.bearer)
    elif login.password:
        smtp.login(login.user, login.password)
