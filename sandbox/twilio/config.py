"""The account and its senders: one file, made when it is missing."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

# Nobody's real account has so many noughts, so the product can tell a sandbox's from a live one.
MARK = "0" * 8
FIRST_NUMBER = "+15005550006"
_TOLL_FREE = re.compile(r"\+18(00|33|44|55|66|77|88)[0-9]{7}")
_PHONE = r"^(\+[1-9][0-9]{6,14}|[0-9]{3,6})$"
_HEX = "[0-9a-fA-F]{32}"
_LONG, _FREE, _SHORT = 1.0, 3.0, 100.0

Sid = Annotated[str, Field(pattern=f"^[A-Z]{{2}}{_HEX}$")]
Seconds = Annotated[float, Field(ge=0, le=10_000_000)]
Url = Annotated[str, Field(pattern=r"^(https?://\S+)?$", max_length=4000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Number(_Part):
    """A number of the account; `segments_per_second` is by kind of number unless it is given."""

    number: Annotated[str, Field(pattern=_PHONE)]
    sms_url: Url = ""
    segments_per_second: Annotated[float | None, Field(gt=0, le=10_000)] = None

    @property
    def rate(self) -> float:
        """Return segments per second."""
        if self.segments_per_second is not None:
            return self.segments_per_second
        if not self.number.startswith("+"):
            return _SHORT
        return _FREE if _TOLL_FREE.fullmatch(self.number) else _LONG

    def sid(self, account_sid: str) -> str:
        return f"PN{account_sid[2:18]}{int(self.number.removeprefix('+')):016x}"


class Service(_Part):
    """A Messaging Service and the numbers that it sends from."""

    sid: Annotated[str, Field(pattern=f"^MG{_HEX}$")]
    name: Annotated[str, Field(max_length=100)] = "Study"
    numbers: Annotated[tuple[str, ...], Field(min_length=1)]
    inbound_request_url: Url = ""
    status_callback: Url = ""
    is_registered: bool = True


class Signature(_Part):
    """How webhooks are signed: with the account's token, or with a shared key."""

    algorithm: Literal["HMAC_SHA1", "HMAC_SHA256"] = "HMAC_SHA1"
    key: Annotated[str, Field(max_length=100)] = ""
    secret: Annotated[str, Field(max_length=200)] = ""


class Limits(_Part):
    """Requests at once and requests a second above which 20429 is answered; 0 is no limit."""

    max_concurrent: Annotated[int, Field(ge=0, le=10_000)] = 0
    per_second: Annotated[int, Field(ge=0, le=10_000)] = 0


class Delays(_Part):
    """Seconds from the moment at which the sender is free, and those of people and of bad answers."""

    queued: Seconds = 0.2
    sending: Seconds = 0.3
    sent: Seconds = 0.6
    failed: Seconds = 0.6
    delivered: Seconds = 2.0
    undelivered: Seconds = 2.0
    reply: Seconds = 5.0
    never: Seconds = 20.0
    slow: Seconds = 5.0


class Config(_Part):
    """Everything about the account that somebody may want otherwise."""

    account_sid: Annotated[str, Field(pattern=f"^AC{_HEX}$")]
    auth_token: Annotated[str, Field(min_length=8, max_length=100)]
    test_account_sid: Annotated[str, Field(pattern=f"^AC{_HEX}$")]
    test_auth_token: Annotated[str, Field(min_length=8, max_length=100)]
    api_keys: Mapping[str, str] = Field(default_factory=dict)
    seed: Annotated[str, Field(max_length=100)]
    numbers: Annotated[tuple[Number, ...], Field(min_length=1)]
    services: tuple[Service, ...] = ()
    callback_hosts: tuple[str, ...] = ()
    countries: tuple[str, ...] = ("US", "CA")
    delays: Delays = Delays()
    delays_by_fate: Mapping[str, Mapping[str, Seconds]] = Field(default_factory=dict)
    signature: Signature = Signature()
    limits: Limits = Limits()
    redaction: bool = False

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        known = {one.number for one in self.numbers}
        if any(number not in known for service in self.services for number in service.numbers):
            raise ValueError("A service sends from a number that is not in the list of numbers.")
        return self

    def number(self, phone: str) -> Number | None:
        return next((one for one in self.numbers if one.number == phone), None)

    def service(self, sid: str) -> Service | None:
        return next((one for one in self.services if one.sid == sid), None)

    def service_of(self, number: str) -> Service | None:
        """Return the service that a number belongs to."""
        return next((one for one in self.services if number in one.numbers), None)

    def scopes(self, number: str, service: str) -> list[str]:
        """Return what an opt-out may be kept under: the number itself, and the services that share it."""
        own = self.service_of(number)
        return [one for one in (service, own.sid if own else "", number) if one]


class BadConfig(ValueError):
    """A configuration that cannot be used; the text names the key and no value."""


def new_config() -> Config:
    """Make an account with one number of each kind and a service that sends from the first."""
    account = f"AC{MARK}{secrets.token_hex(12)}"
    return Config(
        account_sid=account,
        auth_token=secrets.token_hex(16),
        test_account_sid=f"AC{MARK}{secrets.token_hex(12)}",
        test_auth_token=secrets.token_hex(16),
        api_keys={f"SK{secrets.token_hex(16)}": secrets.token_urlsafe(24)},
        seed=secrets.token_hex(8),
        numbers=tuple(Number(number=one) for one in (FIRST_NUMBER, "+18885550100", "55500")),
        services=(Service(sid=f"MG{account[2:]}", numbers=(FIRST_NUMBER,)),),
    )


def change_config(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return the configuration with some of its keys changed; raises `BadConfig`."""
    return _checked({**config.model_dump(mode="json"), **changes})


def read_config(path: Path) -> Config:
    """Read the file, or make it where it is missing; raises `BadConfig`."""
    if not path.exists():
        write_config(path, new_config())
    try:
        document = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BadConfig(f"{path.name} is not JSON.") from error
    if not isinstance(document, dict):
        raise BadConfig(f"{path.name} must be a JSON object.")
    return _checked({**new_config().model_dump(mode="json"), **document})


def write_config(path: Path, config: Config) -> None:
    """Replace the file at once; only its owner may read the tokens in it."""
    new = path.with_suffix(".new")
    new.touch(0o600)
    new.write_text(config.model_dump_json(indent=2), "utf-8")
    os.replace(new, path)


def _checked(document: Mapping[str, Any]) -> Config:
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        # The library's own text repeats values, and among them may be tokens.
        found = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in found["loc"]) or "the whole"
    raise BadConfig(f"{place}: {found['msg']}")
