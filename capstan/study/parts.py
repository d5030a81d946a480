"""What all parts of the study file are made of: strict parts, token sources, and texts with a form."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    field_validator,
)

from capstan.periods import Period, parse_duration, write_duration

NAME = r"^[a-z][a-z0-9_-]*$"


class Part(BaseModel):
    """A part of the study file: unknown keys are refused, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class TokenSource(Part):
    """Where a token is kept; exactly one of these places, and never the token itself."""

    env: str = ""
    file: str = ""
    keyring: str = ""
    block: str = ""
    prefect_secret: str = ""

    @property
    def kind(self) -> str:
        """The name of the one place that is given."""
        return next(name for name in type(self).model_fields if getattr(self, name))

    @field_validator("env")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if value and not is_variable_name(value):
            raise ValueError("must be the name of an environment variable, not a token")
        return value

    @field_validator("keyring", "prefect_secret")
    @classmethod
    def _is_no_token(cls, value: str) -> str:
        if _is_token(value):
            raise ValueError("must be the name under which the token is kept, not a token")
        return value

    @field_validator("block")
    @classmethod
    def _is_a_block(cls, value: str) -> str:
        if value and not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+(/[A-Za-z0-9_]+)?", value):
            raise ValueError(
                "must be a Prefect block such as redcap-connection/demo, with a part after a slash"
            )
        return value

    def model_post_init(self, _context: Any) -> None:
        """Refuse none and several places."""
        places = type(self).model_fields
        if sum(bool(getattr(self, name)) for name in places) != 1:
            raise ValueError(f"give exactly one of {', '.join(places)}")


def _is_token(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{64}", text))


def is_variable_name(text: str) -> bool:
    """Whether a text names an environment variable; one that has the form of a token never does."""
    return bool(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text)) and not _is_token(text)


PeriodText = Annotated[
    Period,
    BeforeValidator(lambda value: Period.parse(str(value))),
    WithJsonSchema({"type": "string", "examples": ["6 months", "-14d"]}),
]

DurationText = Annotated[
    timedelta,
    BeforeValidator(lambda value: value if isinstance(value, timedelta) else parse_duration(str(value))),
    PlainSerializer(write_duration),
    WithJsonSchema({"type": "string", "examples": ["3 days", "36 hours"]}),
]

# YAML reads a bare 1 as a number, and a code is a text.
CodeText = Annotated[str, BeforeValidator(lambda code: str(code) if isinstance(code, int) else code)]


def _is_a_zone(value: str) -> str:
    if value and value not in available_timezones():
        raise ValueError("must be a time zone such as America/Los_Angeles")
    return value


ZoneText = Annotated[str, AfterValidator(_is_a_zone)]


def _is_an_address(value: str) -> str:
    try:
        _ = urlsplit(value).port
    except ValueError:
        raise ValueError("must be a web address such as https://redcap.example.org/api/") from None
    return value


AddressText = Annotated[str, AfterValidator(_is_an_address)]


def _clock(value: object) -> object:
    # YAML reads a bare 20:00 as a number of minutes, and leaves 09:00 a text.
    return f"{value // 60:02}:{value % 60:02}" if isinstance(value, int) else value


def _is_a_clock(value: str) -> str:
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", value):
        raise ValueError('must be a time of day such as "09:00"')
    return value


ClockText = Annotated[str, BeforeValidator(_clock), AfterValidator(_is_a_clock)]


def _network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(value))
    except ValueError:
        raise ValueError("must be an address or a network such as 10.1.0.0/16") from None


NetworkText = Annotated[
    IPv4Network | IPv6Network,
    BeforeValidator(_network),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["10.1.0.0/16", "192.0.2.7"]}),
]

Logic = Annotated[str, StringConstraints(strip_whitespace=True)]
NeededLogic = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Mark(Part):
    """What is written to a participant's record, and where."""

    event: str = ""
    field: str
    value: CodeText
