"""POST /twilio/status and /twilio/inbound: what became of texts, and texts that came in."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from capstan.messaging import read_webhook
from capstan.store import keep_incoming, record_event
from receiver.desk import desk_of
from receiver.reading import read_body
from receiver.refusals import Refusal

_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
_ATTEMPT = re.compile(r"[0-9a-zA-Z_-]{1,64}")
_STATUS = re.compile(r"[a-z][a-z_-]{0,29}")
_MOST = 100
# Answers go through the outbox, where limits, opt-outs and the guard against loops hold.
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response />'


async def take_status(request: Request) -> Response:
    """Keep what became of a text; `m` in the address is our own name of the attempt.

    That it comes twice, late or in any order is the outbox's affair, and harmless.
    """
    form = await _signed_form(request)
    sid, status, code = (form.get(name, "") for name in ("MessageSid", "MessageStatus", "ErrorCode"))
    attempt = request.query_params.get("m", "")
    if (
        not _SID.fullmatch(sid)
        or not _STATUS.fullmatch(status)
        or (attempt and not _ATTEMPT.fullmatch(attempt))
    ):
        raise Refusal(400, "no status of a text")
    number = int(code) if re.fullmatch(r"[0-9]{1,6}", code) else 0
    await desk_of(request).do(
        lambda store, now: record_event(
            store, attempt=attempt, sid=sid, status=status, code=number, at=now, now=now
        )
    )
    return Response(status_code=204)


async def take_inbound(request: Request) -> Response:
    """Keep a text that came in, once; the study says later what it means."""
    form = await _signed_form(request)
    names = (form.get(name, "") for name in ("From", "To", "MessagingServiceSid"))
    if not _SID.fullmatch(form.get("MessageSid", "")) or any(len(name) > _MOST for name in names):
        raise Refusal(400, "no text")
    await desk_of(request).do(lambda store, now: keep_incoming(store, form, now=now))
    return Response(EMPTY_TWIML, media_type="text/xml")


async def _signed_form(request: Request) -> dict[str, str]:
    """The form of a webhook that Twilio signed for one of our accounts; raises Refusal for any other."""
    desk, headers = desk_of(request), request.headers
    if not desk.public_url:
        raise Refusal(403, "CAPSTAN_PUBLIC_URL is not set")
    body, reasons = await read_body(request), []
    for source in desk.informants.accounts:
        found = read_webhook(
            desk.public_url + _address(request),
            body,
            signature=headers.get("x-twilio-signature"),
            account=source.account,
            tokens=source.tokens,
            settings=headers.get("x-twilio-webhooks-signature-settings"),
        )
        if isinstance(found, dict):
            return found
        reasons.append(found.value)
    raise Refusal(403, reasons[-1] if reasons else "no study texts")


def _address(request: Request) -> str:
    """The raw path and query, as they arrived."""
    path, query = (bytes(request.scope[name]).decode("latin-1") for name in ("raw_path", "query_string"))
    return f"{path}?{query}" if query else path
