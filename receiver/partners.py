"""POST /partner/NAME: what a partner's system tells."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from capstan.store import Arrival
from receiver.desk import desk_of, sender_at
from receiver.informants import PartnerSource
from receiver.reading import FORM, JSON, media_type, read_body, read_form, read_object
from receiver.refusals import unknown_sender

SIGNED_AT, SIGNATURE = "x-capstan-timestamp", "x-capstan-signature"


async def take_partner_news(request: Request) -> Response:
    """Keep what a partner told, for each study that knows it by this name, secret and address."""
    desk, name = desk_of(request), request.path_params["name"]
    known = [source for source in desk.informants.partners if source.name == name]
    if not known:
        raise unknown_sender("no such partner")
    body = await read_body(request, types=(FORM, JSON))
    sources = [source for source in known if _vouches(source, request, body)]
    if not sources:
        raise unknown_sender("wrong signature or address")
    form = read_object(body) if media_type(request) == JSON else read_form(body)
    for source in sources:
        signed_at = request.headers.get(SIGNED_AT, "") if source.secrets else ""
        await desk.keep(Arrival(source.study, f"partner/{name}", form, signed_at=signed_at))
    return Response(status_code=204)


def _vouches(source: PartnerSource, request: Request, body: bytes) -> bool:
    return source.vouches_for(
        body,
        sender=sender_at(request),
        signed_at=request.headers.get(SIGNED_AT, ""),
        signature=request.headers.get(SIGNATURE, ""),
        now=datetime.now(UTC),
    )
