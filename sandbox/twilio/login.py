"""Who asks: the account, one of its keys, or its test credentials (7.3, steps 1 to 3)."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64

from sandbox.twilio.config import Config
from sandbox.twilio.refusals import Refused, not_found

_WRONG = "Your AccountSid or AuthToken was incorrect."


class Stranger(Refused):
    """Neither name nor secret is the sandbox's own: they may be those of a real account."""


def log_in(config: Config, authorization: str, *, account: str, path: str) -> bool:
    """Return whether these are the test credentials; `account` is that of the path, '' for none.

    Raises `Refused` and `Stranger`.
    """
    user, secret = _read_basic(authorization)
    secrets = {
        config.account_sid: config.auth_token,
        config.test_account_sid: config.test_auth_token,
        **config.api_keys,
    }
    if user not in secrets and secret not in secrets.values():
        raise Stranger(20003, detail=_WRONG)
    if account not in ("", config.account_sid, config.test_account_sid):
        raise not_found(path)
    if secrets.get(user) != secret:
        raise Refused(20003, detail=_WRONG)
    is_test = user == config.test_account_sid
    if account and is_test != (account == config.test_account_sid):
        raise not_found(path)
    return is_test


def _read_basic(authorization: str) -> tuple[str, str]:
    kind, _, encoded = authorization.partition(" ")
    try:
        text = b64decode(encoded.strip(), validate=True).decode() if kind.lower() == "basic" else ""
    except (NotBase64, ValueError):
        text = ""
    user, separator, secret = text.partition(":")
    if not separator or not user:
        raise Refused(20003, detail="No credentials were given.")
    return user, secret
