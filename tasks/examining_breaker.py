"""Examination of the breaker: whether runs are put off because REDCap does not answer."""

from __future__ import annotations

from capstan.store import Store, read_breaker
from tasks.breaker import breaker_name, sentence
from tasks.finding import Finding


def look_at_breaker(store: Store, url: str) -> Finding:
    """One finding on the host of an address."""
    found = read_breaker(store, breaker_name(url))
    if found is None or not found.is_open:
        return Finding("breaker", "ok", "runs may ask REDCap")
    again = "" if found.is_ban else f" `capstan breaker close {found.host}` lets runs ask at once."
    return Finding("breaker", "fail", f"{sentence(found)} {found.put_off:,} runs were put off.{again}")
