"""Sends letters through a mail server, and tells certain from uncertain failure by its stage."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import NoReturn

from capstan.delivery import Answer, Outcome
from capstan.messaging.letter import Mail, Unwritable, read_sender, write_letter
from capstan.messaging.oauth import TokenDesk
from capstan.messaging.server import Login, MailServer, Security
from capstan.messaging.smtp_replies import Progress, Stage, judge_reply

_BAD_MAILBOX_NAME = 553
# A line that begins with a dot gets a second one, because a single dot ends the letter (RFC 5321, 4.5.2).
_DOTS = re.compile(rb"(?m)^\.")


def _now() -> datetime:
    return datetime.now(UTC)


class Mailer:
    """A mail server and the sender whose letters it takes, one connection for each letter.

    `starttls` and `tls` check the server's certificate and never fall back to plain text. With
    `oauth_token`, or a `desk` that fetches such tokens, the login is XOAUTH2, with `password` whatever the
    server offers; with neither there is none, as at a relay that knows us by our address. Raises UsageError
    for settings that cannot work.
    """

    def __init__(
        self,
        host: str,
        *,
        sender: str,
        port: int = 587,
        security: Security = "starttls",
        user: str = "",
        password: str = "",
        oauth_token: str = "",
        desk: TokenDesk | None = None,
        reply_to: str = "",
        domain: str = "",
        timeout_seconds: float = 30.0,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._sender = read_sender(sender, reply_to=reply_to, domain=domain)
        login = Login(user, password=password, oauth_token=oauth_token, desk=desk)
        self._server = MailServer(host, port, security, login, self._sender.domain, timeout_seconds)
        self._clock = clock

    def __repr__(self) -> str:
        return "<Mailer>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A connection to a mail server is not written to files: make a new one instead.")

    def send(self, mail: Mail) -> Answer:
        """Hand over one letter, once, and say what it came to; `sid` is its Message-ID without brackets.

        Nothing is raised over what the server does. Accepted means by our mail server: it may come back.
        """
        try:
            letter = write_letter(mail, sender=self._sender, now=self._clock())
        except Unwritable as error:
            code = _BAD_MAILBOX_NAME if error.is_address else 0
            return Answer(Outcome.REJECTED, code=code, detail=type(error).__name__)
        return self._server.attempt(lambda smtp, progress: self._hand_over(letter, smtp, progress=progress))

    def check(self) -> Answer:
        """Connect, secure the connection and log in, but send nothing; accepted where all of it works."""
        return self._server.attempt(lambda _smtp, _progress: Answer(Outcome.ACCEPTED))

    def _hand_over(self, letter: EmailMessage, smtp: smtplib.SMTP, *, progress: Progress) -> Answer:
        raw = letter.as_bytes()
        progress.stage = Stage.SENDER
        _go_on(smtp.mail(self._sender.address, [f"size={len(raw)}"] if smtp.has_extn("size") else []))
        progress.stage = Stage.RECIPIENT
        _go_on(smtp.rcpt(str(letter["To"])))
        progress.stage = Stage.DATA
        _go_on(smtp.docmd("DATA"), ready=354)
        progress.stage = Stage.CONTENT
        smtp.send(_DOTS.sub(b"..", raw) + b".\r\n")
        code, text = smtp.getreply()
        if 200 <= code < 300:
            return Answer(Outcome.ACCEPTED, sid=str(letter["Message-ID"]).strip("<>"), status="sent")
        return judge_reply(code, text, stage=progress.stage)


def _go_on(reply: tuple[int, bytes], *, ready: int = 250) -> None:
    """Raise what smtplib raises, unless the server is ready for the next step."""
    code, text = reply
    if code // 100 != ready // 100:
        raise smtplib.SMTPResponseException(code, text)
