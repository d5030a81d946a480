"""Channels: the study's Twilio account and mail server, opened only where they belong with its REDCap."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from capstan.errors import Refused, StudyError
from capstan.messaging import Mailer, TokenDesk, Twilio
from capstan.study import Study
from capstan.study.messaging import OAuth, Sms
from capstan.study.parts import TokenSource
from tasks.hosts import is_local
from tasks.token_sources import read_token


def open_twilio(study: Study, *, folder: Path) -> Twilio:
    """Make the connection to the study's Twilio account; nothing is asked yet.

    Raises StudyError where the study has none, UsageError where its credentials are not kept or ill-formed,
    Refused where sandbox and real ones are mixed.
    """
    sms = study.messaging.sms
    if sms is None:
        raise StudyError("The study texts nobody: set messaging.sms in study.yaml.")
    refuse_mix(study)
    key = sms.api_key
    return Twilio(
        _secret(sms.account, folder=folder),
        _secret(key.secret if key else sms.token, folder=folder),
        api_key=_secret(key.name, folder=folder) if key else "",
        sender=sms.sender,
        service=sms.service,
        base_url=sms.url,
    )


def open_mailer(study: Study, *, folder: Path) -> Mailer:
    """Make the study's mailer, which connects when it sends; raises like `open_twilio`."""
    email = study.messaging.email
    if email is None:
        raise StudyError("The study writes no mail: set messaging.email in study.yaml.")
    refuse_mix(study)
    return Mailer(
        email.host,
        port=email.port,
        security=email.security,
        user=email.user,
        password=_secret(email.password, folder=folder),
        oauth_token=_secret(email.oauth_token, folder=folder),
        desk=_desk(email.oauth, folder=folder) if email.oauth else None,
        sender=email.sender,
        reply_to=email.reply_to,
        domain=email.domain,
    )


def refuse_mix(study: Study) -> None:
    """Refuse a study that would contact real people from practice data, or mark real ones by practice.

    A sandbox's REDCap may hold a copy of the real one, so nothing that it says may reach anybody. A mail
    server on this machine may well be a real one's relay, so it is taken by every study.
    """
    sms, email = study.messaging.sms, study.messaging.email
    is_practice = is_local(urlsplit(study.redcap.url).hostname or "")
    if sms is not None:
        _refuse_texts(sms, is_practice=is_practice, status=study.redcap.project.status)
    if email is not None and not is_local(email.host):
        _refuse_mail(is_practice=is_practice, sms=sms)


def is_sandbox(sms: Sms) -> bool:
    """Whether texts go to a sandbox, which shows them and sends none."""
    return bool(sms.url)


def _refuse_texts(sms: Sms, *, is_practice: bool, status: str) -> None:
    if is_practice and not is_sandbox(sms):
        raise Refused(
            "REDCap is on this machine, as a sandbox is, and Twilio is the real one: nobody was texted. Set "
            "messaging.sms.url to the sandbox's Twilio, or give redcap.url the server's own address."
        )
    if status == "production" and not is_practice and is_sandbox(sms):
        raise Refused(
            "REDCap is a project in production and Twilio is a sandbox, so it would be told of texts that "
            "nobody got. Leave messaging.sms.url blank, or use a sandbox of the project."
        )


def _refuse_mail(*, is_practice: bool, sms: Sms | None) -> None:
    if is_practice:
        raise Refused(
            "REDCap is on this machine, as a sandbox is, and the mail server is a real one: nobody was "
            "written to. Set messaging.email.host to the sandbox's, or give redcap.url its own address."
        )
    if sms is not None and is_sandbox(sms):
        raise Refused(
            "Twilio is a sandbox and the mail server a real one; use both of the sandbox, or neither."
        )


def _desk(oauth: OAuth, *, folder: Path) -> TokenDesk:
    return TokenDesk(
        oauth.url,
        client=_secret(oauth.client, folder=folder),
        secret=_secret(oauth.secret, folder=folder),
        refresh_token=_secret(oauth.refresh_token, folder=folder),
        scope=oauth.scope,
    )


def _secret(source: TokenSource | None, *, folder: Path) -> str:
    return read_token(source, folder=folder).strip() if source else ""
