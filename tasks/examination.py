"""Examination: what must be right before a study goes live, each finding with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

from capstan.errors import CapstanError, RightMissing
from capstan.settings import Settings, load_settings
from capstan.store import load_keys
from capstan.study import Study, find_study, read_study
from capstan.study.check import check_study
from checks.changes import forbidden_columns
from checks.quality.names import misspelt_checks
from tasks.alarms.trials import look_at_alarm
from tasks.connections import LiveProject, connect, open_connection, open_store
from tasks.drift import list_changes
from tasks.examining_breaker import look_at_breaker
from tasks.examining_clock import look_at_redcaps_clock
from tasks.examining_home import look_at_home
from tasks.examining_prefect import look_at_prefect
from tasks.finding import Finding
from tasks.folders import study_folders
from tasks.hosts import check_address, is_local
from tasks.messages.examining import look_at_channels
from tasks.messages.wordings import look_at_wordings
from tasks.monitors.examining import look_at_monitors
from tasks.reaching import look_at_receiver
from tasks.reconciling.examining import look_at_triggers
from tasks.rosters import look_at_rosters
from tasks.tokens import look_at_status, look_at_tokens


def examine(name: str) -> list[Finding]:
    """Examine a study from its file to the machine that runs it; what waits for servers waits at once.

    A fault hides what rests on it and nothing else. Raises UsageError for a name that no study has, which is
    no finding about a study.
    """
    settings, now = load_settings(), datetime.now(UTC)
    folder = find_study(name, folders=study_folders(settings))
    try:
        study = read_study(folder)
    except CapstanError as error:
        return [Finding("study file", "fail", str(error))]
    first = [Finding("study file", "ok", str(folder / "study.yaml"))]
    looks: tuple[Callable[[], Iterable[Finding]], ...] = (
        lambda: _look_at_project(study, settings=settings, folder=folder, now=now),
        lambda: look_at_receiver(study),
        lambda: look_at_channels(study, folder=folder),
        lambda: look_at_rosters(study, folder=folder),
        lambda: look_at_monitors(study, folder=folder),
        lambda: look_at_prefect(study, now=now),
    )
    # First, because it may make the key that the others open the store with.
    machine = list(_look_at_machine(settings, now=now))
    with ThreadPoolExecutor(len(looks)) as pool:
        return [*first, *chain.from_iterable(pool.map(lambda look: list(look()), looks)), *machine]


_STAGES = ("address", "store", "breaker", "token", "project")


def _look_at_project(study: Study, *, settings: Settings, folder: Path, now: datetime) -> Iterator[Finding]:
    """Findings on what one REDCap is asked for, one after the other; stops at a fault that hides the rest."""
    done = 0
    try:
        for finding in _look_inside(study, settings=settings, folder=folder):
            yield finding
            done += 1
    except CapstanError as error:
        yield Finding(_STAGES[min(done, len(_STAGES) - 1)], "fail", str(error))
        return
    yield from look_at_redcaps_clock(study.redcap.url, now=now)


def _look_inside(study: Study, *, settings: Settings, folder: Path) -> Iterator[Finding]:
    yield _address(study)
    with open_store(settings) as store:
        yield Finding("store", "ok", "opens with its key")
        yield look_at_breaker(store, study.redcap.url)
        redcap = open_connection(study, study.redcap.token, folder=folder)
        yield Finding("token", "ok", f"found ({study.redcap.token.kind})")
        live = connect(study, redcap=redcap, store=store)
        project = study.redcap.project
        said = f"{project.title} (id {project.id}, {project.status}), REDCap {live.structure.version}"
        yield Finding("project", "ok", said)
        looks: tuple[Callable[[LiveProject], Finding], ...] = (
            look_at_status,
            _records,
            _arms,
            _writes,
            _log,
            _drift,
        )
        for look in looks:
            yield look(live)
        yield from look_at_tokens(live, folder=folder)
        yield from look_at_wordings(study, live.dictionary, grid=live.grid, folder=folder)
        yield from look_at_triggers(live)
        yield from look_at_alarm(store, study, now=datetime.now(UTC))
        yield from _rules(live)


def _look_at_machine(settings: Settings, *, now: datetime) -> Iterator[Finding]:
    try:
        keys = load_keys(settings.key, home=settings.home)
        yield from look_at_home(settings, keys=keys, now=now)
    except CapstanError as error:
        yield Finding("key", "fail", str(error))


def _address(study: Study) -> Finding:
    url, host = study.redcap.url, study.redcap.project.host
    check_address(url, host=host)
    if is_local(urlsplit(url).hostname or ""):
        return Finding("address", "ok", "on this machine")
    return Finding("address", "ok", f"https, host {urlsplit(url).hostname}")


def _records(live: LiveProject) -> Finding:
    record_field = live.dictionary.record_field
    rows = live.redcap.records(fields=[record_field])
    if rows.empty:
        return Finding(
            "records", "warn", "none are visible; check the token user's access group and form rights"
        )
    return Finding("records", "ok", f"{rows[record_field].nunique()} visible")


def _rules(live: LiveProject) -> Iterator[Finding]:
    """One finding for each problem, so that all can be mended at once."""
    study = live.study
    problems = [
        *check_study(study, dictionary=live.dictionary, grid=live.grid),
        *misspelt_checks(study),
    ]
    for problem in problems:
        yield Finding("rules", "fail", str(problem))
    if not problems:
        said = f"{len(study.visits)} visits, {len(study.eligibility.criteria)} criteria"
        yield Finding("rules", "ok", said)


def _arms(live: LiveProject) -> Finding:
    arms = live.study.arms
    if len(live.grid.arms) < 2:
        return Finding("arms", "ok", "the project has one arm")
    if arms.assigned_by is None:
        said = "no field says a participant's arm; set arms.assigned_by, or data stays where it is already"
        return Finding("arms", "warn", said)
    return Finding("arms", "ok", f"assigned by {arms.assigned_by.field}, shared: {list(arms.shared)}")


def _writes(live: LiveProject) -> Finding:
    writes = live.study.writes
    if not writes.allow:
        return Finding("writes", "warn", "nothing may be written; list instruments or fields in writes.allow")
    if live.study.redcap.project.status == "production" and not writes.production:
        said = "runs are refused in production; set writes.production: true when they may write there"
        return Finding("writes", "warn", said)
    barred = forbidden_columns(writes, dictionary=live.dictionary)
    columns = len(live.dictionary.by_column)
    return Finding("writes", "ok", f"{columns - len(barred)} of {columns} columns may be written")


def _drift(live: LiveProject) -> Finding:
    harmful = [change for change in list_changes(live) if not change.is_harmless]
    if harmful:
        said = f"changes in the project that wait for a person: {len(harmful)}, such as {harmful[0]}; see"
        return Finding("drift", "warn", f"{said} `capstan drift {live.study.study}`")
    seen = "the project fits what runs saw last" if live.last_structure else "no run has seen the project yet"
    return Finding("drift", "ok", seen)


def _log(live: LiveProject) -> Finding:
    try:
        live.redcap.log(record="-")
    except RightMissing:
        return Finding(
            "logging right", "warn", "the token may not read the log; needed to find missed triggers"
        )
    return Finding("logging right", "ok", "the token may read the log")
