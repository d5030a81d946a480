"""Whose Twilio it is: the account's name and secret, and that a sandbox and Twilio are never mixed up."""

from __future__ import annotations

import re

from capstan.errors import Refused, UsageError

# Twilio gives names at random; the sandbox's begin with zeros, by which it is told apart.
_SANDBOX_ACCOUNT = re.compile(r"AC0{8}[0-9a-fA-F]{24}")
_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_API_KEY = re.compile(r"SK[0-9a-fA-F]{32}")
_TOKEN = re.compile(r"[!-~]+")
_ADDRESS = re.compile(r"https?://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?(/[^?#\s@]*)?")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")


def check_account(account: str, *, token: str, base_url: str, api_key: str = "") -> None:
    """Refuse ill-formed credentials, and a live account with a sandbox's address and the reverse.

    Raises UsageError and Refused; their text repeats none of what was given.
    """
    if not _ACCOUNT.fullmatch(account):
        raise UsageError("The Twilio account is ill-formed: it must be AC and 32 hexadecimal characters.")
    if not _TOKEN.fullmatch(token):
        raise UsageError("The Twilio auth token is empty or has spaces: check where the study says it is.")
    if api_key and not _API_KEY.fullmatch(api_key):
        raise UsageError("The Twilio API key is ill-formed: it must be SK and 32 hexadecimal characters.")
    if base_url:
        _check_address(base_url)
    is_sandbox = bool(_SANDBOX_ACCOUNT.fullmatch(account))
    if base_url and not is_sandbox:
        raise Refused("A live Twilio account with a sandbox's address; give the sandbox's own account.")
    if is_sandbox and not base_url:
        raise Refused("A sandbox's account without its address; set messaging.sms.url, or a live account.")


def check_sender(sender: str, *, service: str) -> None:
    """Refuse a sender that cannot be one: a number, short code or name, or a messaging service."""
    if not sender and not service:
        raise UsageError("Texts need a sender: give messaging.sms.sender or messaging.sms.service.")
    if service and not _SERVICE.fullmatch(service):
        raise UsageError("The messaging service is ill-formed: it must be MG and 32 hexadecimal characters.")


def _check_address(base_url: str) -> None:
    found = _ADDRESS.fullmatch(base_url)
    if not found:
        raise UsageError("The sandbox's address must be a plain http(s) address; it is messaging.sms.url.")
    if f".{found['host']}".endswith(".twilio.com"):
        raise UsageError("Leave messaging.sms.url blank for Twilio itself; it is for a sandbox.")
