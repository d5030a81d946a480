"""Connections: a study's live project, opened only if its token opens what the study names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pandas as pd
import requests

from capstan.dictionary import Dictionary
from capstan.errors import IdentityError, PutOff, Refused, RightMissing, StudyError, TokenRefused
from capstan.events import EventGrid
from capstan.redcap import Redcap, columns
from capstan.settings import Settings, load_settings
from capstan.store import Store, load_keys
from capstan.structure import Structure
from capstan.study import ProjectIdentity, Study, find_study, read_study
from capstan.study.check import check_study
from capstan.study.parts import TokenSource
from capstan.study.quiet import quiet_now
from checks.quality.names import misspelt_checks
from tasks.breaker import first_asking
from tasks.budget import budget_for
from tasks.crash import crash_point
from tasks.drift import problems_for
from tasks.folders import study_folders
from tasks.form_links import remember_links
from tasks.hosts import check_address, is_rehearsal
from tasks.live_project import Judge, LiveProject
from tasks.shield import effect, run_logger
from tasks.token_sources import read_token

__all__ = [
    "LiveProject",
    "check_identity",
    "check_quiet",
    "connect",
    "folder_of",
    "open_connection",
    "open_project",
    "open_store",
    "open_writer",
    "read_structure",
    "refuse_production",
]


@effect("open project")
def open_project(
    name: str, *, check_rules: bool = True, flow: str = "", dry_run: bool = False, looks_later: bool = False
) -> LiveProject:
    """Open a study's project and refuse any other than the one that the study names.

    Raises StudyError for the study file and, with `check_rules`, for names in it that the project does not
    have (those that it lost since the last run only where `flow` uses them); UsageError where no token is
    kept; TokenRefused, IdentityError, RedcapUnavailable; PutOff while REDCap is known to be down, or is to
    be left alone. A dry run needs no token that writes.

    A run that `looks_later` asks for identity only: it pays for the rest, and is refused for it, when it uses
    any of it, and so before it writes.
    """
    settings = load_settings()
    folder = find_study(name, folders=study_folders(settings))
    study = read_study(folder)
    check_quiet(study, now=datetime.now(UTC))
    redcap = open_connection(study, study.redcap.token, folder=folder)
    store = open_store(settings)
    try:
        writer = None if dry_run else redcap
        with first_asking(store, study.redcap.url):
            if study.redcap.write_token and not dry_run:
                writer = open_writer(study, study.redcap.write_token, folder=folder)
            judge = partial(_judge, file=folder / "study.yaml" if check_rules else None, flow=flow)
            live = connect(study, redcap=redcap, store=store, writer=writer, judge=judge)
            if not looks_later:
                live.read()
        if not looks_later:
            live.look()
    except BaseException:
        store.close()
        raise
    crash_point("opened")
    return live


def check_quiet(study: Study, *, now: datetime) -> None:
    """Put a run off within a window of `redcap.quiet`; a rehearsal asks no real REDCap."""
    window = quiet_now(study.redcap.quiet, now.astimezone(study.zone))
    if window and not is_rehearsal():
        raise PutOff(
            f"REDCap is left alone until {window.ends} ({study.timezone}; redcap.quiet in study.yaml), so "
            "that nothing was done."
        )


def _judge(live: LiveProject, structure: Structure, *, file: Path | None, flow: str) -> None:
    """Refuse rules of a study file that name what the project does not have, and keep where its forms are."""
    if file:
        _refuse_problems(live, structure, file=file, flow=flow)
    remember_links(live, structure, now=datetime.now(UTC))


def _refuse_problems(live: LiveProject, structure: Structure, *, file: Path, flow: str) -> None:
    found = check_study(live.study, dictionary=structure.dictionary, grid=structure.grid)
    problems = [*misspelt_checks(live.study), *problems_for(live, found, flow=flow)]
    if problems:
        count = len(problems)
        head = f" {count} problems, of which `capstan doctor` lists all:" if count > 1 else ""
        raise StudyError(f"{file}:{head} {problems[0]}")


def open_connection(
    study: Study,
    source: TokenSource,
    *,
    folder: Path,
    session: requests.Session | None = None,
) -> Redcap:
    """Make the connection of one of the study's tokens; nothing is asked yet.

    Raises Refused for an address to which no token may go.
    """
    check_address(study.redcap.url, host=study.redcap.project.host)
    token = read_token(source, folder=folder, url=study.redcap.url)
    # REDCap counts the requests of an address, whichever token and run they come from.
    budget = budget_for(study.redcap.url)
    rows = study.redcap.batch_rows
    return Redcap(study.redcap.url, token, max_rows=rows, throttle=budget, session=session)


def open_writer(study: Study, source: TokenSource, *, folder: Path) -> Redcap:
    """Open the connection that writes, and refuse one that opens another project than the study names."""
    writer = open_connection(study, source, folder=folder)
    try:
        info = writer.project()
    except (TokenRefused, RightMissing) as error:
        # There are two tokens, and the text does not say which one was refused.
        raise type(error)(f"The write token: {error}") from None
    check_identity(study.redcap.project, info=info, which="write token")
    return writer


def refuse_production(live: LiveProject) -> None:
    """Refuse to write to a project in production unless the study says that runs may."""
    if live.study.redcap.project.status == "production" and not live.study.writes.production:
        raise Refused(
            f"The project of study {live.study.study} is in production, and the study does not let runs "
            "write there; nothing was written. Set writes.production: true in its study.yaml, or run dry."
        )


def connect(
    study: Study,
    *,
    redcap: Redcap,
    store: Store,
    writer: Redcap | None = None,
    judge: Judge | None = None,
) -> LiveProject:
    """Check the project's identity; its structure is read when it is asked for, and judged by `judge`."""
    info = redcap.project()
    check_identity(study.redcap.project, info=info)

    def read() -> Structure:
        dictionary, grid = read_structure(
            redcap,
            missing_codes=str(info.get("missing_data_codes") or ""),
            has_events=str(info.get("is_longitudinal")) != "0",
            has_repeats=str(info.get("has_repeating_instruments_or_events")) != "0",
        )
        return Structure(dictionary, grid, redcap.version())

    return LiveProject(study, redcap=redcap, writer=writer, store=store, read=read, judge=judge)


def folder_of(study: Study) -> Path:
    """The study's folder, where its templates are; raises StudyError like `find_study`."""
    return find_study(study.study, folders=study_folders(load_settings()))


def read_structure(
    redcap: Redcap, *, missing_codes: str, has_events: bool = True, has_repeats: bool = True
) -> tuple[Dictionary, EventGrid]:
    """Read data dictionary and event grid; what repeats is told only to users who may design."""
    dictionary = Dictionary.from_frames(
        redcap.metadata(), instruments=redcap.instruments(), missing_codes=missing_codes
    )
    grid = EventGrid.from_frames(
        arms=redcap.arms() if has_events else _none(columns.ARMS),
        events=redcap.events() if has_events else _none(columns.EVENTS),
        mapping=redcap.form_event_mapping() if has_events else _none(columns.MAPPING),
        repeating=redcap.repeating() if has_repeats else _none(columns.REPEATING),
        forms=tuple(dictionary.forms),
    )
    return dictionary, grid


def _none(names: Sequence[str]) -> pd.DataFrame:
    """What REDCap tells of events or repeats where it has none, without asking it."""
    return pd.DataFrame(columns=list(names), dtype="str")


def check_identity(wanted: ProjectIdentity, *, info: dict[str, object], which: str = "token") -> None:
    """Refuse a token that opens another project, or the same one in another status."""
    status = "production" if str(info.get("in_production")) == "1" else "development"
    found = {"id": str(info.get("project_id")), "title": str(info.get("project_title")), "status": status}
    for name, expected in (("id", str(wanted.id)), ("title", wanted.title), ("status", wanted.status)):
        if found[name] != expected:
            raise IdentityError(
                f"The {which} opens a project whose {name} is {found[name]!r}, but the study names "
                f"{expected!r} (redcap.project.{name} in study.yaml). Give the right token, or correct "
                "the study."
            )


def open_store(settings: Settings) -> Store:
    """Open Capstan's own database; warns when its key was just made, because it must be backed up."""
    keys = load_keys(settings.key, home=settings.home)
    if keys.made_file:
        run_logger().warning("made the key %s; back it up, the journal is lost without it", keys.made_file)
    return Store.open(settings.store_url, keys)
