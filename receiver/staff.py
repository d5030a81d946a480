"""Staff: who asks for a page, and what is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from starlette.requests import Request

from receiver.cookies import NAME, person_in
from receiver.desk import desk_of
from receiver.informants import StaffedStudy


def person_of(request: Request) -> str:
    """Who is signed in; "" for nobody."""
    desk = desk_of(request)
    cookie = request.cookies.get(NAME, "")
    return desk.signed_on.person(request) or person_in(
        cookie, keys=desk.writer.store.keys, now=datetime.now(UTC)
    )


def studies_of(person: str, studies: Sequence[StaffedStudy]) -> list[StaffedStudy]:
    """The studies that name a person."""
    return [each for each in studies if person and each.names(person)]


def is_own_request(request: Request) -> bool:
    """Whether a page of ours sent a form, as far as the browser tells; other programs tell nothing."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    ours = urlsplit(desk_of(request).public_url)
    return origin is None or origin == f"{ours.scheme}://{ours.netloc}"
