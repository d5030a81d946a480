"""The part `messaging` of the study file: how it contacts people, when, and how much."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from capstan.study.parts import ClockText, DurationText, Logic, Mark, NeededLogic, Part, TokenSource

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def _is_a_sender(value: str) -> str:
    if value and not re.fullmatch(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|[A-Za-z0-9 ]{1,11}", value):
        raise ValueError("must be a number such as +12065550100, a short code, or a name of 11 letters")
    return value


class ApiKey(Part):
    """A key of the Twilio account, which can be withdrawn by itself, and its secret."""

    name: TokenSource
    secret: TokenSource


class Sms(Part):
    """The Twilio account that texts: a sender number, a Messaging Service, or both.

    With an `api_key` the auth `token` is needed by the receiver only, which tells by it what is Twilio's.

    `url` is blank for Twilio itself. `region` is the country of numbers that name none. Segments and not
    messages are what carriers count, so the pace and the price are theirs. `redact` is what goes at Twilio
    once texts have come to an end, `redact_after` later, or after the study's retention.
    """

    account: TokenSource
    token: TokenSource | None = None
    api_key: ApiKey | None = None
    url: str = ""
    sender: Annotated[str, AfterValidator(_is_a_sender)] = ""
    service: Annotated[str, StringConstraints(pattern=r"^(MG[0-9a-fA-F]{32})?$")] = ""
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "US"
    segments_per_second: float = Field(default=1, gt=0)
    price_per_segment: float = Field(default=0.0083, ge=0)
    redaction: bool = False
    redact: Literal["nothing", "texts", "messages"] = "nothing"
    redact_after: DurationText | None = None

    def model_post_init(self, _context: Any) -> None:
        """Refuse an account without anything to send from."""
        if not self.sender and not self.service:
            raise ValueError("give sender or service")
        if self.token is None and self.api_key is None:
            raise ValueError("give token or api_key")


class OAuth(Part):
    """Where tokens for the mail login come from: in a person's name with a refresh token, else our own."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    client: TokenSource
    secret: TokenSource | None = None
    refresh_token: TokenSource | None = None
    scope: str = ""

    def model_post_init(self, _context: Any) -> None:
        """Refuse a request that no endpoint can grant."""
        if self.secret is None and self.refresh_token is None:
            raise ValueError("give refresh_token, secret, or both")


class Email(Part):
    """The mail server and who writes; a relay may ask for no login."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: TokenSource | None = None
    oauth_token: TokenSource | None = None
    oauth: OAuth | None = None
    sender: str
    reply_to: str = ""
    unsubscribe: str = ""
    per_minute: int = Field(default=30, ge=1)
    domain: str = ""

    def model_post_init(self, _context: Any) -> None:
        """Refuse a half login."""
        secrets = sum(one is not None for one in (self.password, self.oauth_token, self.oauth))
        if secrets != bool(self.user):
            raise ValueError("give user with one of password, oauth_token and oauth, or none of the four")


class Hours(Part):
    """When people may be contacted, by the clock where they are; `closes` itself is too late.

    `zone` is logic that gives a time zone's name. Without one, a phone's area code says it, else the
    study. `holidays` takes the study's holidays off.
    """

    opens: ClockText = "09:00"
    closes: ClockText = "20:00"
    zone: Logic = ""
    skip: tuple[Weekday, ...] = ()
    holidays: bool = False

    def model_post_init(self, _context: Any) -> None:
        """Refuse hours that never open."""
        if self.opens >= self.closes:
            raise ValueError("opens must be before closes")
        if len(set(self.skip)) == 7:
            raise ValueError("skip leaves no day")


class StopRule(Part):
    """A condition under which a participant gets nothing; `reason` is what people read."""

    rule: NeededLogic
    reason: NeededLogic


class ContactLimits(Part):
    """How much may be sent; `budget_per_month` of 0 is none, in the currency of the price.

    `failed_share` is the share of failures, from 0 to 1, above which a channel stops.
    """

    per_run: int = Field(default=500, ge=0)
    per_day: int = Field(default=1000, ge=0)
    participant_per_day: int = Field(default=3, ge=1)
    participant_per_week: int = Field(default=10, ge=1)
    minutes_between: int = Field(default=30, ge=0)
    budget_per_month: float = Field(default=0, ge=0)
    failed_share: float = Field(default=0.2, gt=0, le=1)


class Marks(Part):
    """How a participant's record shows that a phone may not, or cannot, be texted."""

    opted_out: Mark | None = None
    bad_number: Mark | None = None


class Messaging(Part):
    """How this study contacts people; until it is `live`, only `test_addresses` are written to.

    `language` is that of templates whose name has none.
    """

    live: bool = False
    test_addresses: tuple[str, ...] = ()
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z]+)?$")] = "en"
    sms: Sms | None = None
    email: Email | None = None
    hours: Hours = Hours()
    stop_when: tuple[StopRule, ...] = ()
    paused_until: Logic = ""
    limits: ContactLimits = ContactLimits()
    mark: Marks = Marks()
