"""The signature of Twilio's webhooks: whether what arrived comes from our own account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from urllib.parse import parse_qsl, urldefrag

from twilio.request_validator import RequestValidator, get_signature_algorithm  # type: ignore[import-untyped]

MAX_BODY_BYTES = 64 << 10
_MAX_FIELDS = 500
_ALGORITHMS = frozenset({"HMAC_SHA1", "HMAC_SHA256"})


class Refusal(StrEnum):
    """Why a webhook is not taken; who sent it is told none of this."""

    TOO_LARGE = "too large"
    UNREADABLE = "unreadable"
    UNSIGNED = "unsigned"
    WRONG_SIGNATURE = "wrong signature"
    WRONG_ACCOUNT = "wrong account"


class _Form(dict[str, list[str]]):
    """Fields with all their values, as the library wants to ask for them."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def read_webhook(
    url: str,
    body: bytes,
    *,
    signature: str | None,
    account: str,
    tokens: Iterable[str],
    settings: str | None = None,
) -> dict[str, str] | Refusal:
    """The form of a webhook, if Twilio signed it for our account; of a repeated field its first value.

    `url` is the address that Twilio was given: our public address with the raw path and query that arrived,
    never one made of a request's headers. `tokens` are the auth tokens of now and before, or the shared keys;
    `settings` is the header that says how a shared key signed. It does not prove that the webhook is new:
    what handles it must bear a repetition. Source: section 3.2.
    """
    if len(body) > MAX_BODY_BYTES:
        return Refusal.TOO_LARGE
    try:
        # A blank field is signed too, so none may get lost.
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS
        )
    except ValueError:
        return Refusal.UNREADABLE
    if not signature:
        return Refusal.UNSIGNED
    if not is_signed(url, pairs, signature=signature, tokens=tokens, settings=settings):
        return Refusal.WRONG_SIGNATURE
    form = dict(reversed(pairs))
    return form if form.get("AccountSid") == account else Refusal.WRONG_ACCOUNT


def is_signed(
    url: str,
    pairs: Sequence[tuple[str, str]],
    *,
    signature: str | None,
    tokens: Iterable[str],
    settings: str | None = None,
) -> bool:
    """Whether one of our tokens signed a form that was posted to an address."""
    algorithm = get_signature_algorithm(settings).upper()
    # The library warns of an unknown one by logging what the sender wrote.
    if not signature or algorithm not in _ALGORITHMS:
        return False
    form = _Form()
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    address = urldefrag(url).url
    return any(
        RequestValidator(token).validate(address, form, signature, algorithm) for token in tokens if token
    )
