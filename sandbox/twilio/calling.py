"""What is posted to the account's own addresses, field by field (3.1)."""

from __future__ import annotations

from sandbox.twilio.config import Config
from sandbox.twilio.desk import Desk, make_sid
from sandbox.twilio.messages import Message
from sandbox.twilio.moments import receipt_stamp
from sandbox.twilio.webhooks import Kind, Webhook, new_webhook

API_VERSION = "2010-04-01"
_RECEIPTS = ("delivered", "undelivered")


def call_back(desk: Desk, message: Message, *, status: str, code: int, copy: int) -> Webhook:
    """Prepare the post that tells of a status; `copy` numbers those of the same one."""
    fields = {
        "ApiVersion": API_VERSION,
        "AccountSid": desk.config.account_sid,
        "From": message.sender,
        "MessageSid": message.sid,
        "MessageStatus": status,
        "SmsSid": message.sid,
        "SmsStatus": status,
        "To": message.phone,
    }
    if message.service:
        fields["MessagingServiceSid"] = message.service
    if code:
        fields["ErrorCode"] = str(code)
    if status in _RECEIPTS:
        fields["RawDlrDoneDate"] = receipt_stamp(desk.now)
    token = make_sid(desk.config.seed, "", number=f"{message.sid} {status} {desk.now} {copy}")
    return desk.database.webhooks.add(
        new_webhook(Kind.STATUS, message.sid, at=desk.now, url=message.callback, fields=fields, token=token)
    )


def tell_of_inbound(desk: Desk, message: Message, *, word: str) -> Webhook | None:
    """Prepare the post that tells of a message that came in, if there is an address for it."""
    url = _inbound_url(desk.config, message)
    if not url:
        return None
    media = message.media_urls
    fields = {
        "ApiVersion": API_VERSION,
        "AccountSid": desk.config.account_sid,
        "Body": message.body,
        "From": message.sender,
        "FromCity": "",
        "FromCountry": "US",
        "FromState": "",
        "FromZip": "",
        "MessageSid": message.sid,
        "NumMedia": str(len(media)),
        "NumSegments": str(message.segments),
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.phone,
        "ToCity": "",
        "ToCountry": "US",
        "ToState": "",
        "ToZip": "",
    }
    for number, address in enumerate(media):
        fields |= {f"MediaUrl{number}": address, f"MediaContentType{number}": "image/png"}
    if message.service:
        fields["MessagingServiceSid"] = message.service
        fields |= {"OptOutType": word} if word else {}
    token = make_sid(desk.config.seed, "", number=f"{message.sid} received")
    return desk.database.webhooks.add(
        new_webhook(Kind.INBOUND, message.sid, at=desk.now, url=url, fields=fields, token=token)
    )


def _inbound_url(config: Config, message: Message) -> str:
    service = config.service(message.service)
    if service is not None and service.inbound_request_url:
        return service.inbound_request_url
    number = config.number(message.phone)
    return number.sms_url if number is not None else ""
