"""Pages of mail: what came, and one letter as its reader sees it."""

from __future__ import annotations

from starlette.responses import Response

from sandbox.errors import ApiError
from sandbox.mail.letter import read_letter
from sandbox.pages.asked import Asked, page
from sandbox.pages.paging import part_of
from sandbox.state import State

PER_PAGE = 50


def inbox(state: State, asked: Asked) -> Response:
    """Show the mails that have come, newest first."""
    mails, now = state.store.mails, state.clock.stamp()
    part = part_of(mails.count(now), asked.number("page"), per_page=PER_PAGE)
    found = [(one, read_letter(one.raw)) for one in mails.rows(now, start=part.start, most=PER_PAGE)]
    return page("mails.html", state, asked=asked, part=part, rows=found, tab="mail")


def letter(state: State, asked: Asked) -> Response:
    """Show one mail: its text, its HTML, its headers, and its source."""
    mail = state.store.mails.get(asked.number("id", 0))
    if mail is None:
        raise ApiError("There is no such mail.", 404)
    source = mail.raw.decode("utf-8", "replace")
    return page(
        "mail.html", state, asked=asked, mail=mail, letter=read_letter(mail.raw), source=source, tab="mail"
    )


def certificate(state: State, _: Asked) -> Response:
    """Send the certificate of the mail server, for clients that are to trust it."""
    if not state.mail_certificate:
        raise ApiError("This sandbox takes no mail.", 404)
    return Response(state.mail_certificate, media_type="application/x-pem-file")
