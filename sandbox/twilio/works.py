"""The methods of the API, each from a request to an answer (7.2)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import phonenumbers

from sandbox.twilio.answers import Answer, json_answer, spoil
from sandbox.twilio.exchange import Exchange
from sandbox.twilio.listing import list_messages
from sandbox.twilio.messages import Message
from sandbox.twilio.refusals import Refused, not_found
from sandbox.twilio.resources import (
    VERSION,
    account_resource,
    list_resource,
    message_resource,
    number_resource,
    service_resource,
)

_ACCOUNT = rf"/{VERSION}/Accounts/(?P<account>[^/]+?)"
_MESSAGE = rf"{_ACCOUNT}/Messages/(?P<sid>[^/]+?)"
_PICTURE = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True)
class Asked:
    """A request: its method and path, what it says, and who asks."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Sequence[tuple[str, str]] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    is_test: bool = False


Work = Callable[[Exchange, Asked], Answer]


def create_message(exchange: Exchange, asked: Asked) -> Answer:
    """Create a message."""
    created = exchange.create(asked.form, is_test=asked.is_test)
    resource = message_resource(exchange.config, created.message, is_read=False)
    return spoil(json_answer(resource, status=201), created.manner, delays=exchange.config.delays)


def show_messages(exchange: Exchange, asked: Asked) -> Answer:
    """List messages, newest first."""
    return json_answer(list_messages(exchange, asked.path, query=asked.query))


def show_message(exchange: Exchange, asked: Asked) -> Answer:
    """Show one message."""
    return json_answer(message_resource(exchange.config, _find(exchange, asked)))


def change_message(exchange: Exchange, asked: Asked) -> Answer:
    """Empty a message's body, or call a scheduled one off."""
    exchange.change(_find(exchange, asked).sid, dict(asked.form))
    return show_message(exchange, asked)


def delete_message(exchange: Exchange, asked: Asked) -> Answer:
    """Delete a message that is finished."""
    exchange.delete(_find(exchange, asked).sid)
    return Answer(204)


def show_media(exchange: Exchange, asked: Asked) -> Answer:
    """List a message's media: always none."""
    _find(exchange, asked)
    return json_answer(list_resource(asked.path, [], key="media_list", query={}))


def show_picture(exchange: Exchange, asked: Asked) -> Answer:
    """Show the picture that somebody sent: one dot."""
    _find(exchange, asked)
    return Answer(body=_PICTURE, content_type="image/png")


def show_account(exchange: Exchange, _: Asked) -> Answer:
    """Show the account."""
    return json_answer(account_resource(exchange.config))


def show_numbers(exchange: Exchange, asked: Asked) -> Answer:
    """List the account's numbers, or those with `PhoneNumber` in them."""
    config, wanted = exchange.config, asked.query.get("PhoneNumber", "")
    rows = [number_resource(config, number) for number in config.numbers if wanted in number.number]
    return json_answer(list_resource(asked.path, rows, key="incoming_phone_numbers", query={}))


def show_service(exchange: Exchange, asked: Asked) -> Answer:
    """Show a Messaging Service."""
    service = exchange.config.service(asked.names["sid"])
    if service is None:
        raise not_found(asked.path)
    return json_answer(service_resource(exchange.config, service, now=exchange.clock.epoch()))


def look_up(exchange: Exchange, asked: Asked) -> Answer:
    """Say whether a number is valid, and with `Fields` what kind of line it is."""
    try:
        number = phonenumbers.parse(asked.names["phone"], "US")
    except phonenumbers.NumberParseException as error:
        raise not_found(asked.path) from error
    phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    wants_type = "line_type_intelligence" in asked.query.get("Fields", "").split(",")
    line = {"type": exchange.line_type(phone), "carrier_name": "Sandbox", "error_code": None}
    is_valid = phonenumbers.is_valid_number(number)
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return json_answer(
        {
            "calling_country_code": str(number.country_code),
            "country_code": phonenumbers.region_code_for_number(number),
            "phone_number": phone,
            "national_format": national,
            "valid": is_valid,
            "validation_errors": [] if is_valid else ["INVALID_BUT_POSSIBLE"],
            "line_type_intelligence": line if wants_type and is_valid else None,
            "url": f"/v2/PhoneNumbers/{phone}",
        }
    )


WORKS: list[tuple[str, str, Work]] = [
    ("POST", rf"{_ACCOUNT}/Messages\.json", create_message),
    ("GET", rf"{_ACCOUNT}/Messages\.json", show_messages),
    ("GET", rf"{_MESSAGE}\.json", show_message),
    ("POST", rf"{_MESSAGE}\.json", change_message),
    ("DELETE", rf"{_MESSAGE}\.json", delete_message),
    ("GET", rf"{_MESSAGE}/Media\.json", show_media),
    ("GET", rf"{_MESSAGE}/Media/ME[0-9a-f]+", show_picture),
    ("GET", rf"{_ACCOUNT}\.json", show_account),
    ("GET", rf"{_ACCOUNT}/IncomingPhoneNumbers\.json", show_numbers),
    ("GET", r"/messaging/v1/Services/(?P<sid>[^/]+)", show_service),
    ("GET", r"/lookups/v2/PhoneNumbers/(?P<phone>[^/]+)", look_up),
]
_COMPILED = [(method, re.compile(path), work) for method, path, work in WORKS]


def find_work(method: str, path: str) -> tuple[Work | None, dict[str, str]]:
    """Return what answers at an address, if anything, and the names in its path."""
    for known, pattern, work in _COMPILED:
        found = pattern.fullmatch(path)
        if found is not None and known == method:
            return work, found.groupdict()
    # Who asks comes before what for, so the account matters even where nothing is.
    account = re.match(rf"{_ACCOUNT}(?:\.json|/|$)", path)
    return None, account.groupdict() if account else {}


def do_work(exchange: Exchange, work: Work | None, *, asked: Asked) -> Answer:
    """Answer a request of somebody who may ask; raises `Refused`."""
    if asked.is_test and work is not create_message:
        raise Refused(20008)
    if work is None:
        raise not_found(asked.path)
    return work(exchange, asked)


def _find(exchange: Exchange, asked: Asked) -> Message:
    message = exchange.find(asked.names["sid"])
    if message is None:
        raise not_found(asked.path)
    return message
