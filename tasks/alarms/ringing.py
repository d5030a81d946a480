"""Ringing: one alarm through every way that a study and this installation have, at once and unmerged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

from capstan.addresses import phone_number
from capstan.delivery import Outcome
from capstan.errors import CapstanError
from capstan.messaging import Mail, Text
from capstan.settings import load_settings
from capstan.study import Study
from tasks.alarms.posting import post, secret_address
from tasks.messages.channels import open_mailer, open_twilio
from tasks.shield import effect, run_logger


@effect("ring")
def ring(study: Study, *, folder: Path, subject: str, text: str) -> dict[str, str]:
    """Tell a text to all staff and to the webhook.

    Returns for each way ("mail", "text", "webhook") "accepted", or to how many it was not sent.
    """
    tried = Counter[str]()
    lost = Counter[str]()
    for way, send in _ways(study, folder=folder, subject=subject, text=text):
        tried[way] += 1
        lost[way] += not _is_sent(send)
    return {way: _said(tried[way], lost[way]) for way in tried}


def _said(tried: int, lost: int) -> str:
    return f"not sent to {lost} of {tried}" if lost else "accepted"


def _is_sent(send: Callable[[], bool]) -> bool:
    """Whether a way took it; one that cannot be opened does not keep the others from ringing."""
    try:
        return send()
    except CapstanError as error:
        run_logger().warning("A way of the alarm cannot be used: %s", type(error).__name__)
        return False


def _ways(study: Study, *, folder: Path, subject: str, text: str) -> Iterator[tuple[str, Callable[[], bool]]]:
    staff, whole = study.notify.staff, f"{subject}\n{text}"
    for address in staff.email:
        yield "mail", partial(_mail, study, folder, Mail(uuid4().hex, address, subject, text))
    for number in staff.sms:
        yield "text", partial(_text, study, folder, to=number, text=whole)
    if load_settings().alarm_url:
        yield "webhook", partial(_post, whole)


def _mail(study: Study, folder: Path, mail: Mail) -> bool:
    return open_mailer(study, folder=folder).send(mail).outcome is Outcome.ACCEPTED


def _text(study: Study, folder: Path, *, to: str, text: str) -> bool:
    region = study.messaging.sms.region if study.messaging.sms else "US"
    made = Text(uuid4().hex, phone_number(to, region=region), text)
    return open_twilio(study, folder=folder).send(made).outcome is Outcome.ACCEPTED


def _post(text: str) -> bool:
    return post(secret_address(load_settings().alarm_url, name="CAPSTAN_ALARM_URL"), json={"text": text})
