"""The parts `notify` and `partners` of the study file: who is told, and who else contacts participants."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from capstan.study.parts import NAME, CodeText, DurationText, Part, TokenSource

NoticeCause = Literal[
    "failure", "hold", "summary", "delivery", "distress", "question", "session", "waiting", "quality"
]


class Staff(Part):
    """Who is told, how, and of what.

    Who is named by `email`, or as one of the `users` of the institution's sign-in, may open the records that
    links in notices lead to.
    """

    email: tuple[str, ...] = ()
    sms: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    on: tuple[NoticeCause, ...] = ("failure", "hold", "distress", "question", "waiting", "quality")


class Role(Part):
    """People with a part in the study, at some of its sites; at all of them where `sites` is empty.

    A role may be listed several times, once for each group of sites; `staff` is everybody under staff.
    """

    name: str = Field(pattern=NAME)
    sites: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    sms: tuple[str, ...] = ()


class Notify(Part):
    """Notices to staff: one for each cause within `every`, and no more than `per_day` to one person.

    `record_ids` lets notices name records; else they count them. What is for a `roles` goes to its people
    at the site, and to `staff` where there are none.
    """

    staff: Staff = Staff()
    roles: tuple[Role, ...] = ()
    record_ids: bool = False
    every: DurationText = timedelta(hours=1)
    per_day: int = Field(default=24, ge=1)

    @property
    def addresses(self) -> frozenset[str]:
        """All mail addresses that are named, without case."""
        by_role = (address for role in self.roles for address in role.email)
        return frozenset(address.strip().casefold() for address in (*self.staff.email, *by_role))

    @property
    def people(self) -> frozenset[str]:
        """All who are named, by mail address or as users, without case."""
        return self.addresses | {user.strip().casefold() for user in self.staff.users}


class Comparison(Part):
    """A column of a partner's roster, and the field that should say the same.

    `values` translates what the partner writes where it is not what the field holds.
    """

    column: str
    event: str = ""
    field: str
    values: dict[CodeText, CodeText] = Field(default={})


class Partner(Part):
    """A partner that contacts participants itself, and its roster: a CSV or JSON table by HTTPS or as a file.

    `participant` is the roster's column that says who; `field`, on `event`, holds the same in REDCap, and is
    the record id where it is blank.
    """

    name: str = Field(pattern=NAME)
    url: str = ""
    file: str = ""
    token: TokenSource | None = None
    participant: str
    event: str = ""
    field: str = ""
    compare: tuple[Comparison, ...] = Field(min_length=1)

    def model_post_init(self, _context: Any) -> None:
        """Refuse none and two sources, and a roster that crosses a network in the clear."""
        if bool(self.url) == bool(self.file):
            raise ValueError("give exactly one of url and file")
        if self.url and not re.match(r"https://|http://(127\.0\.0\.1|localhost|\[::1\])(:|/|$)", self.url):
            raise ValueError("url must begin with https://")
