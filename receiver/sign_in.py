"""/sign-in: staff without the institution's sign-in get a link by mail, which works once."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from capstan.errors import StoreError
from capstan.store import ask_for_link, link_person, use_link
from receiver.addresses import caller_of
from receiver.cookies import clear_cookie, set_cookie
from receiver.desk import desk_of, sender_at
from receiver.informants import StaffedStudy
from receiver.letters import send_link
from receiver.pages import go_to, own_path, show_page
from receiver.reading import read_body, read_form
from receiver.refusals import Refusal
from receiver.signed_on import same_name
from receiver.staff import is_own_request, person_of

_LINK = re.compile(r"[A-Za-z0-9_-]{43}")
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")
_Found = TypeVar("_Found")


async def show_sign_in(request: Request) -> Response:
    """Ask for a mail address, or say who is signed in."""
    return show_page(
        request,
        "sign_in.html",
        person=person_of(request),
        next=own_path(request.query_params.get("next", "")),
        has_mail=bool(desk_of(request).public_url),
    )


async def ask_sign_in(request: Request) -> Response:
    """Send a link to an address that a study names; the answer is the same for every other one."""
    form = await _own_form(request)
    person, desk = same_name(form.get("address", "")), desk_of(request)
    if not desk.public_url or not _ADDRESS.fullmatch(person):
        raise Refusal(400, "no mail address, or no CAPSTAN_PUBLIC_URL")
    link = secrets.token_urlsafe(32) if _writing_to(request, person) else None
    client = str(caller_of(sender_at(request)))
    is_allowed = await _with_store(
        lambda: ask_for_link(
            desk.writer.store, person=person, client=client, link=link, now=datetime.now(UTC)
        )
    )
    if not is_allowed:
        return show_page(request, "too_often.html", status=429)
    answer = show_page(request, "asked.html")
    if link:
        # After the answer, so that the time it takes tells nothing.
        answer.background = BackgroundTask(
            send_link,
            _writing_to(request, person),
            person=person,
            address=_link_address(desk.public_url, link, form),
        )
    return answer


async def show_link(request: Request) -> Response:
    """Show whom a link signs in. Programs that look into mails open links, so this does not use it up."""
    link, store = _link(request), desk_of(request).writer.store
    person = await _with_store(lambda: link_person(store, link, now=datetime.now(UTC)))
    if not person:
        return show_page(request, "link_gone.html", status=404)
    return show_page(
        request, "confirm.html", person=person, link=link, next=own_path(request.query_params.get("next", ""))
    )


async def follow_link(request: Request) -> Response:
    """Use a link up, and sign its person in."""
    form, link, store = await _own_form(request), _link(request), desk_of(request).writer.store
    now = datetime.now(UTC)
    person = await _with_store(lambda: use_link(store, link, now=now))
    if not _writing_to(request, person):
        return show_page(request, "link_gone.html", status=404)
    # No redirect: a browser would follow it to no other host, as REDCap's, after a form was sent.
    answer = show_page(request, "signed_in.html", person=person, next=own_path(form.get("next", "")))
    set_cookie(answer, keys=store.keys, person=person, now=now)
    return answer


async def sign_out(request: Request) -> Response:
    """Forget who was signed in by a link."""
    await _own_form(request)
    answer = go_to(request, "/sign-in")
    clear_cookie(answer)
    return answer


async def _own_form(request: Request) -> dict[str, str]:
    if not is_own_request(request):
        raise Refusal(403, "a page of another site")
    return read_form(await read_body(request))


def _writing_to(request: Request, address: str) -> list[StaffedStudy]:
    """The studies that name a mail address; a user of the institution's sign-in may only look like one."""
    studies = desk_of(request).informants.studies
    return [each for each in studies if address in each.study.notify.addresses]


def _link(request: Request) -> str:
    link = str(request.path_params["link"])
    return link if _LINK.fullmatch(link) else ""


def _link_address(public_url: str, link: str, form: dict[str, str]) -> str:
    """The address in the mail; from our own setting, because the request may name any host."""
    then = own_path(form.get("next", ""))
    return f"{public_url}/sign-in/{link}" + (f"?next={then}" if then else "")


async def _with_store(work: Callable[[], _Found]) -> _Found:
    try:
        return await asyncio.to_thread(work)
    except StoreError:
        raise Refusal(503, "the store cannot be used") from None
