"""Examination of contact: what must be right before a study texts or writes to anybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from capstan.delivery import Answer, Outcome
from capstan.errors import CapstanError
from capstan.messaging import AccountStatus, Twilio
from capstan.settings import load_settings
from capstan.study import Study
from capstan.study.messaging import Email, Sms
from tasks.examining_clock import MAX_SKEW
from tasks.finding import Finding
from tasks.hosts import is_local
from tasks.messages.channels import is_sandbox, open_mailer, open_twilio, refuse_mix


def look_at_channels(study: Study, *, folder: Path) -> Iterator[Finding]:
    """Findings on the study's channels, none where it contacts nobody; nothing is sent."""
    messaging = study.messaging
    if messaging.sms is None and messaging.email is None:
        return
    try:
        refuse_mix(study)
    except CapstanError as error:
        yield Finding("contact", "fail", str(error))
        return
    yield _liveness(study)
    if messaging.sms is not None:
        yield from _twilio(study, messaging.sms, folder=folder)
    if messaging.email is not None:
        yield _mail(study, messaging.email, folder=folder)


def _liveness(study: Study) -> Finding:
    if study.messaging.live:
        return Finding("contact", "ok", "live: participants are written to")
    count = len(study.messaging.test_addresses)
    said = f"only messaging.test_addresses ({count}) are written to; set messaging.live once all is rehearsed"
    return Finding("contact", "warn", said)


def _twilio(study: Study, sms: Sms, *, folder: Path) -> Iterator[Finding]:
    try:
        twilio = open_twilio(study, folder=folder)
        account = twilio.account_status()
        yield _account(account, sms=sms)
        yield _skew(account, now=datetime.now(UTC))
        yield _sender(twilio, sms=sms)
    except CapstanError as error:
        yield Finding("texts", "fail", str(error))
    yield _callbacks(sms, url=load_settings().public_url or "")


def _account(account: AccountStatus, *, sms: Sms) -> Finding:
    if account.status != "active":
        said = f"the Twilio account is {account.status}; look at its balance and notices in Twilio's console"
        return Finding("texts", "fail", said)
    return Finding(
        "texts", "ok", "a sandbox's account" if is_sandbox(sms) else "the Twilio account is active"
    )


def _skew(account: AccountStatus, *, now: datetime) -> Finding:
    if account.answered_at is None:
        return Finding(
            "clock", "warn", "Twilio's answer had no date, so this machine's clock was not compared"
        )
    skew = abs(account.answered_at - now)
    if skew > MAX_SKEW:
        said = (
            f"{round(skew.total_seconds())} s away from Twilio's; set this machine's clock by a time server"
        )
        return Finding("clock", "fail", said)
    return Finding("clock", "ok", "agrees with Twilio's")


def _sender(twilio: Twilio, *, sms: Sms) -> Finding:
    what = "messaging service" if sms.service else "number"
    if not sms.service and not sms.sender.removeprefix("+").isdigit():
        return Finding("sender", "warn", "a name, which participants cannot answer, not even with STOP")
    if not twilio.owns_sender():
        said = (
            f"the account has no such {what}; correct messaging.sms.{'service' if sms.service else 'sender'}"
        )
        return Finding("sender", "fail", said)
    return Finding("sender", "ok", f"the account's own {what}")


def _callbacks(sms: Sms, *, url: str) -> Finding:
    host = urlsplit(url).hostname or ""
    if not url:
        lost = ", and with redaction a lost answer stays unknown" if sms.redaction else ""
        said = f"set CAPSTAN_PUBLIC_URL; without it statuses come by asking only{lost}"
        return Finding("callbacks", "fail" if sms.redaction else "warn", said)
    if "_" in host:
        return Finding("callbacks", "fail", "Twilio refuses a host with an underscore (CAPSTAN_PUBLIC_URL)")
    if not is_sandbox(sms) and (is_local(host) or not url.startswith("https:")):
        return Finding(
            "callbacks", "fail", "CAPSTAN_PUBLIC_URL must be an https address that Twilio can reach"
        )
    return Finding("callbacks", "ok", f"come to {host}")


_SETTLE = {
    Outcome.HALT: "look at host, port, security and login in messaging.email, and at the certificate",
    Outcome.THROTTLED: "it takes nothing for now; try again in a quarter of an hour",
    Outcome.NOT_SENT: "nobody answers there; look at host and port in messaging.email, and at firewalls",
}
_REASONS = {
    "SMTPNotSupportedError": "it offers no encryption, or no login like ours",
    "SSLCertVerificationError": "its certificate does not hold",
}


def _mail(study: Study, email: Email, *, folder: Path) -> Finding:
    try:
        answer = open_mailer(study, folder=folder).check()
    except CapstanError as error:
        return Finding("mail", "fail", str(error))
    if answer.outcome is not Outcome.ACCEPTED:
        return Finding("mail", "fail", _failure(answer))
    if email.security == "none" and not is_local(email.host):
        said = "it answers, but letters cross the network unencrypted; set messaging.email.security if it can"
        return Finding("mail", "warn", said)
    return Finding(
        "mail", "ok", "the mail server takes our connection" + (" and login" if email.user else "")
    )


def _failure(answer: Answer) -> str:
    reason = f"code {answer.code}" if answer.code else _REASONS.get(answer.detail, answer.detail)
    return f"cannot be used ({reason}); {_SETTLE.get(answer.outcome, 'ask its administrator')}"
