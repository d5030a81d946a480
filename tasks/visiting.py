"""Visits: a study's project, open for a while, whose REDCap is watched meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from capstan.errors import CapstanError, RedcapBanned, RedcapUnavailable
from tasks.breaker import count_failure, count_success
from tasks.connections import LiveProject, open_project
from tasks.messages.outage_news import tell_of_end


@contextmanager
def visiting(
    name: str, *, flow: str, check_rules: bool = True, dry_run: bool = False, looks_later: bool = False
) -> Iterator[LiveProject]:
    """Open a study's project like `open_project`, and close it; how REDCap answers is counted.

    A dry run reads only; so may another that writes nothing to REDCap.
    """
    live = open_project(name, check_rules=check_rules, flow=flow, dry_run=dry_run, looks_later=looks_later)
    try:
        yield live
        note_success(live)
    except (RedcapUnavailable, RedcapBanned) as error:
        count_failure(live.store, live.study.redcap.url, error=error)
        raise
    finally:
        live.close()


def note_success(live: LiveProject) -> None:
    """Count that REDCap answered throughout a run, and tell those who wait for it that an outage is over."""
    with suppress(CapstanError):  # what was done is done, whatever becomes of the news
        if found := count_success(live.store, live.study.redcap.url):
            tell_of_end(live.store, live.study, found=found, now=datetime.now(UTC))
