"""The application: which address is answered by which function, and what is answered to all others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from receiver.addresses import Networks
from receiver.calendars import give_calendar
from receiver.desk import Desk, desk_of, sender_at
from receiver.door import REASON, Door
from receiver.health import tell_health, tell_readiness
from receiver.pace import Pace
from receiver.partners import take_partner_news
from receiver.records import open_record
from receiver.refusals import RETRY_AFTER_SECONDS
from receiver.sign_in import ask_sign_in, follow_link, show_link, show_sign_in, sign_out
from receiver.study_pages import enter_study, list_studies, show_docs, show_run, show_study
from receiver.texts import take_inbound, take_status
from receiver.triggers import take_trigger

# More than one machine can answer: it is there for who does not stop.
PER_SECOND, BURST = 5_000, 50_000

Lifespan = Callable[[], AbstractAsyncContextManager[Desk]]


def build_app(lifespan: Lifespan, *, proxies: Networks) -> ASGIApp:
    """Make the application; `lifespan` opens the desk when the server starts, and closes it at its end."""

    @asynccontextmanager
    async def open_desk(app: Starlette) -> AsyncIterator[None]:
        async with lifespan() as desk:
            app.state.desk = desk
            yield

    routes = [
        Route("/redcap/{secret}", take_trigger, methods=["POST"]),
        Route("/twilio/status", take_status, methods=["POST"]),
        Route("/twilio/inbound", take_inbound, methods=["POST"]),
        Route("/partner/{name}", take_partner_news, methods=["POST"]),
        Route("/records/{reference}", open_record),
        Route("/studies", list_studies),
        Route("/studies/{study}", enter_study),
        Route("/studies/{study}/", show_study),
        Route("/studies/{study}/index.html", show_study),
        Route("/studies/{study}/runs/{run}", show_run),
        Route("/studies/{study}/data-docs/{name:path}", show_docs),
        Route("/calendars/{study}/{word}.ics", give_calendar),
        Route("/sign-in", show_sign_in),
        Route("/sign-in", ask_sign_in, methods=["POST"]),
        Route("/sign-in/{link}", show_link),
        Route("/sign-in/{link}", follow_link, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/health", tell_health),
        Route("/ready", tell_readiness),
    ]
    app = Starlette(routes=routes, lifespan=open_desk, exception_handlers={HTTPException: _refuse})
    app.router.redirect_slashes = False
    return Door(app, proxies=proxies, pace=Pace(per_second=PER_SECOND, burst=BURST))


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer with a status and nothing else; whoever is wrong too often is told to be quiet."""
    failure = cast(HTTPException, error)
    request.scope[REASON] = failure.detail
    status = failure.status_code
    if status in (403, 404) and not desk_of(request).wrong.allows(sender_at(request)):
        status = 429
    headers = {"Connection": "close", **(failure.headers or {})}
    if status in (429, 503):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return Response(status_code=status, headers=headers)
