"""Outages: staff are told once that REDCap does not answer, and once that it does again."""

from __future__ import annotations

from datetime import datetime, timedelta

from capstan.notice import Cause, Happening, Person, listeners
from capstan.settings import load_settings
from capstan.store import Breaker, Store, read_breaker, tell_of_closed, tell_of_opened
from capstan.study import Study, find_study, read_study
from tasks.breaker import breaker_name, sentence
from tasks.connections import folder_of, open_store
from tasks.folders import study_folders
from tasks.messages.notices import tell_staff
from tasks.messages.queueing import room_of
from tasks.shield import effect, shielded


@shielded
def tell_of_outage(name: str, *, now: datetime) -> bool:
    """Tell a study's staff that its REDCap does not answer, if it does not and they were not told.

    Returns whether they know of an outage that goes on.
    """
    study = read_study(find_study(name, folders=study_folders(load_settings())))
    people = _people(study, now=now)
    return bool(people) and _tell_of_outage(study, people, now=now)


@effect("tell staff")
def _tell_of_outage(study: Study, people: list[Person], *, now: datetime) -> bool:
    host = breaker_name(study.redcap.url)
    with open_store(load_settings()) as store:
        found = read_breaker(store, host)
        if found is None or not found.is_open:
            return False
        said = (
            f"{sentence(found)} Runs there are put off, and nobody is told of each; "
            "`capstan journal list` shows those that were under way."
        )
        happening = Happening(Cause.OUTAGE, said, now)
        tell_of_opened(store, room_of(study), host=host, people=people, happening=happening)
        tell_staff(store, study, folder=folder_of(study), now=now)
        return True


def tell_of_end(store: Store, study: Study, *, found: Breaker, now: datetime) -> None:
    """Tell those whom the study told of an outage that it is over."""
    ended = found.closed_at
    if ended is None:
        return

    def say(since: datetime) -> Happening:
        return Happening(Cause.OUTAGE, _over(found, lasted=ended - (found.opened_at or since)), now)

    people = _people(study, now=now)
    if tell_of_closed(store, room_of(study), host=found.host, people=people, say=say):
        tell_staff(store, study, folder=folder_of(study), now=now)


def _over(found: Breaker, *, lasted: timedelta) -> str:
    minutes = max(1, round(lasted / timedelta(minutes=1)))
    long = f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} hours"
    runs = "1 run was" if found.put_off == 1 else f"{found.put_off:,} runs were"
    return f"REDCap at {found.host} answers again, after {long}. Runs go on; {runs} put off meanwhile."


def _people(study: Study, *, now: datetime) -> list[Person]:
    return listeners(Happening(Cause.OUTAGE, "", now), study.notify)
