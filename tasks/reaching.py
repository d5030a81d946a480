"""Reaching: whether the receiver answers where REDCap, Twilio and partners look for it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import requests

from capstan.settings import load_settings
from capstan.study import Study
from tasks.finding import Finding
from tasks.hosts import is_local

WHAT = "receiver"
_TIMEOUT_SECONDS = 5


def look_at_receiver(study: Study) -> Iterator[Finding]:
    """One finding where there is a public address, or where the study needs one for its triggers."""
    url = load_settings().public_url
    if url:
        yield _look_at(url)
    elif study.triggers:
        said = "set CAPSTAN_PUBLIC_URL and start `capstan receiver serve`; without it triggers are lost"
        yield Finding(WHAT, "warn", said)


def _look_at(url: str) -> Finding:
    host = urlsplit(url).hostname or ""
    if url.startswith("http:") and not is_local(host):
        said = "the triggers' secret would cross the network in the clear; CAPSTAN_PUBLIC_URL must be https"
        return Finding(WHAT, "fail", said)
    try:
        answer = requests.get(f"{url}/ready", timeout=_TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        said = f"nothing answers at {host} ({type(error).__name__}); start `capstan receiver serve` there"
        return Finding(WHAT, "warn", f"{said}, unless only this machine cannot reach it")
    if answer.status_code == requests.codes.service_unavailable:
        return Finding(WHAT, "fail", f"answers at {host}, but cannot use its store; look at its log")
    if not answer.ok or answer.text.strip() != "ready":
        return Finding(WHAT, "fail", f"something else answers at {host}; check the proxy before the receiver")
    return Finding(WHAT, "ok", f"answers at {host}, and its store is ready")
