"""Resources as Twilio's API spells them (2.2, 2.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from sandbox.twilio.config import Config, Number, Service
from sandbox.twilio.messages import Message
from sandbox.twilio.moments import iso, spell
from sandbox.twilio.refusals import explain

VERSION = "2010-04-01"
_UNDECIDED = ("accepted", "scheduled")
_HIDDEN = 4


def message_resource(config: Config, message: Message, *, is_read: bool = True) -> dict[str, Any]:
    """Return a message; what is read later than it is created hides persons where redaction is on."""
    hides = config.redaction and is_read
    # A service chooses its number when the message leaves the first status.
    is_undecided = bool(message.service) and message.status in _UNDECIDED
    uri = f"/{VERSION}/Accounts/{config.account_sid}/Messages/{message.sid}"
    # For people's messages the sender is the person, for the account's the receiver is.
    sender, phone = (mask(one, config, hides=hides) for one in (message.sender, message.phone))
    return {
        "sid": message.sid,
        "account_sid": config.account_sid,
        "messaging_service_sid": message.service or None,
        "to": phone,
        "from": None if is_undecided else sender,
        "body": "" if hides or message.is_redacted else message.body,
        "status": message.status,
        "direction": message.direction,
        "num_segments": "0" if is_undecided else str(message.segments),
        "num_media": str(len(message.media_urls)),
        "price": message.price or None,
        "price_unit": "USD",
        "error_code": message.code or None,
        "error_message": explain(message.code),
        "api_version": VERSION,
        "date_created": spell(message.created),
        "date_updated": spell(message.updated),
        "date_sent": spell(message.sent),
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }


def mask(phone: str, config: Config, *, hides: bool) -> str:
    """Return a number without its last digits where persons are hidden; our own are no persons'."""
    if not hides or config.number(phone) is not None:
        return phone
    return phone[:-_HIDDEN] + "X" * _HIDDEN


def list_resource(
    path: str, rows: Sequence[Mapping[str, Any]], *, key: str, query: Mapping[str, str], next_token: str = ""
) -> dict[str, Any]:
    """Return one page of a list: beside Twilio's own keys there is exactly one, which holds the rows."""
    page, size = int(query.get("Page", "0")), int(query.get("PageSize", "50"))
    kept = {name: value for name, value in query.items() if name not in ("Page", "PageSize", "PageToken")}
    first = {**kept, "PageSize": str(size), "Page": "0"}
    following = {**kept, "PageSize": str(size), "Page": str(page + 1), "PageToken": next_token}
    return {
        key: list(rows),
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(len(rows) - 1, 0),
        "uri": f"{path}?{urlencode(query)}" if query else path,
        "first_page_uri": f"{path}?{urlencode(first)}",
        "next_page_uri": f"{path}?{urlencode(following)}" if next_token else None,
        "previous_page_uri": None,
    }


def account_resource(config: Config) -> dict[str, Any]:
    return {
        "sid": config.account_sid,
        "owner_account_sid": config.account_sid,
        "friendly_name": "Sandbox: nothing is sent",
        "status": "active",
        "type": "Full",
        "date_created": None,
        "date_updated": None,
        "uri": f"/{VERSION}/Accounts/{config.account_sid}.json",
    }


def number_resource(config: Config, number: Number) -> dict[str, Any]:
    sid = number.sid(config.account_sid)
    return {
        "sid": sid,
        "account_sid": config.account_sid,
        "friendly_name": number.number,
        "phone_number": number.number,
        "sms_url": number.sms_url,
        "sms_method": "POST",
        "capabilities": {"voice": False, "sms": True, "mms": True, "fax": False},
        "status": "in-use",
        "api_version": VERSION,
        "uri": f"/{VERSION}/Accounts/{config.account_sid}/IncomingPhoneNumbers/{sid}.json",
    }


def service_resource(config: Config, service: Service, *, now: float) -> dict[str, Any]:
    return {
        "sid": service.sid,
        "account_sid": config.account_sid,
        "friendly_name": service.name,
        "date_created": iso(now),
        "date_updated": iso(now),
        "inbound_request_url": service.inbound_request_url or None,
        "inbound_method": "POST",
        "status_callback": service.status_callback or None,
        "sticky_sender": True,
        "smart_encoding": False,
        "use_inbound_webhook_on_number": False,
        "us_app_to_person_registered": service.is_registered,
        "validity_period": 36_000,
        "url": f"/messaging/v1/Services/{service.sid}",
    }
