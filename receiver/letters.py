"""Letters of the receiver: the link by which somebody signs in, from the mail server of a study."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import uuid4

from capstan.delivery import Outcome
from capstan.errors import CapstanError
from capstan.messaging import Mail
from capstan.store.sign_ins import LINK_LIFE
from receiver.informants import StaffedStudy
from tasks.messages.channels import open_mailer

_log = logging.getLogger("receiver")
_SUBJECT = "Sign in to Capstan"
_TEXT = """Somebody asked to sign in to Capstan with this mail address.

Open this link within {minutes} minutes. It works once:

{address}

If it was not you, there is nothing to do.
"""


def send_link(studies: Sequence[StaffedStudy], *, person: str, address: str) -> None:
    """Send a link through the first mail server that takes it; the log tells how it went, not for whom."""
    minutes = int(LINK_LIFE.total_seconds() // 60)
    mail = Mail(uuid4().hex, person, _SUBJECT, _TEXT.format(minutes=minutes, address=address))
    for each in studies:
        if each.study.messaging.email and _is_sent(each, mail):
            _log.info("sent a link to sign in, by the mail server of study %s", each.study.study)
            return
    _log.error(
        "A link to sign in was not sent: no study that names the person has a mail server that took it."
    )


def _is_sent(source: StaffedStudy, mail: Mail) -> bool:
    try:
        answer = open_mailer(source.study, folder=source.folder).send(mail)
    except CapstanError as error:
        _log.error("The mail server of study %s cannot be used: %s", source.study.study, error)
        return False
    # An answer that was lost counts as sent: the letter may be there, and a second one has the same link.
    return answer.outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN)
