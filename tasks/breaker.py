"""The breaker of a REDCap host: runs are put off while it does not answer, and one at a time tries again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

from capstan.errors import PutOff, RedcapBanned, RedcapError, RedcapUnavailable, StoreError
from capstan.store import (
    Breaker,
    Store,
    drop_trial,
    note_answer,
    note_failure,
    note_success,
    pass_breaker,
)


def breaker_name(url: str) -> str:
    """The name of the breaker of an address: its host, with the port where one is named."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


@contextmanager
def first_asking(store: Store, url: str) -> Iterator[None]:
    """Let a run ask REDCap for the first time; raises PutOff while the breaker is open, or if it opens."""
    host = breaker_name(url)
    if found := pass_breaker(store, host, now=datetime.now(UTC)):
        raise PutOff(sentence(found))
    try:
        yield
    except (RedcapUnavailable, RedcapBanned) as error:
        found = _count(store, host, error=error)
        if found is None or not found.is_open:
            raise
    except RedcapError:
        # An answer, if not the one that was wanted.
        note_answer(store, host)
        raise
    except BaseException:
        with suppress(StoreError):  # the first error is the one to tell
            drop_trial(store, host)
        raise
    else:
        note_answer(store, host)
        return
    raise PutOff(sentence(found))


def count_failure(store: Store, url: str, *, error: RedcapError) -> None:
    """Count that REDCap gave no usable answer in the middle of a run."""
    _count(store, breaker_name(url), error=error)


def count_success(store: Store, url: str) -> Breaker | None:
    """Count that REDCap answered throughout a run; returns the breaker, None where it never failed."""
    return note_success(store, breaker_name(url), now=datetime.now(UTC))


def sentence(found: Breaker) -> str:
    """Why runs are put off, and what to do."""
    head = f"REDCap at {found.host}"
    if found.is_ban:
        return (
            f"{head} has banned this address, so that nothing was done. Ask its administrator to lift "
            f"the ban, then `capstan breaker close {found.host}`."
        )
    since = f" since {found.opened_at:%Y-%m-%d %H:%M} UTC" if found.opened_at else ""
    again = f" It is tried again after {found.try_at:%H:%M} UTC." if found.try_at else ""
    return f"{head} has given no usable answer{since}, so that nothing was done.{again}"


def _count(store: Store, host: str, *, error: RedcapError) -> Breaker | None:
    with suppress(StoreError):  # the first error is the one to tell
        return note_failure(store, host, is_ban=isinstance(error, RedcapBanned), now=datetime.now(UTC))
    return None
