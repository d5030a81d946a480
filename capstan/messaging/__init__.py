"""The adapter of messages: texts through Twilio and letters through a mail server."""

from capstan.messaging.email import Mailer
from capstan.messaging.letter import Mail
from capstan.messaging.oauth import TokenDesk
from capstan.messaging.receipts import AccountStatus, Listed, Text
from capstan.messaging.signature import Refusal, read_webhook
from capstan.messaging.sms import Twilio

__all__ = [
    "AccountStatus",
    "Listed",
    "Mail",
    "Mailer",
    "Refusal",
    "Text",
    "TokenDesk",
    "Twilio",
    "read_webhook",
]
