"""Signs what is posted to the account's own addresses (3.2)."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping

from sandbox.twilio.config import Config

_HASHES = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}


def signature_headers(config: Config, url: str, *, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a signed post; the URL has no fragment any more."""
    settings = config.signature
    signed = signature(settings.secret or config.auth_token, signed_text(url, fields), settings.algorithm)
    headers = {"X-Twilio-Signature": signed}
    if settings.key:
        named = f"key={settings.key},algorithm={settings.algorithm}"
        headers["X-Twilio-Webhooks-Signature-Settings"] = named
    return headers


def signed_text(url: str, fields: Mapping[str, str]) -> str:
    """Return what is signed: the URL, and every name and value in the order of names."""
    return url + "".join(name + fields[name] for name in sorted(fields))


def signature(secret: str, text: str, algorithm: str) -> str:
    return b64encode(hmac.new(secret.encode(), text.encode(), _HASHES[algorithm]).digest()).decode()
