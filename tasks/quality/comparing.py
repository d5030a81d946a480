"""Comparing: what a project measures now against what is expected of it, by the nights before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from capstan.errors import ExpectationRaised
from capstan.expectations import Project, validate
from capstan.quality.expected import Expected, digest_of
from capstan.quality.outcome import Outcome
from capstan.settings import load_settings
from capstan.store.quality_history import Result, Thinned, keep_measures, read_measures
from capstan.store.tallies import tally_messages
from checks.quality.asked import Asked
from checks.quality.asking import ALWAYS, ask_project, days_wanted
from checks.quality.measuring import measure_project
from tasks.connections import LiveProject
from tasks.messages.queueing import room_of
from tasks.quality.exporting import export_project
from tasks.quality.telling import Judgement, keep_judged
from tasks.seen_places import project_of
from tasks.shield import effect, run_logger

_MESSAGES_OF = timedelta(days=7)
# As long as expectations look back.
_REMEMBERED = timedelta(days=100)


@dataclass(frozen=True, eq=False)
class Compared:
    """What became of each expectation, and the digest of the suite; nothing where nothing was measured."""

    judgements: tuple[Judgement, ...] = ()
    suite: str = ""
    error: ExpectationRaised | None = None

    @property
    def failed(self) -> list[Expected]:
        """The expectations that are not met."""
        return [one for one, result, _ in self.judgements if result is Result.FAILED]

    @property
    def unjudged(self) -> list[Expected]:
        """The expectations that were not judged: their queries stay as they are."""
        return [one for one, result, _ in self.judgements if result in (Result.WAITING, Result.RAISED)]

    @property
    def results(self) -> dict[str, int]:
        """How many expectations came to each result."""
        return dict(Counter(result.value for _, result, _ in self.judgements))


def compare_with_history(
    live: LiveProject, export: pd.DataFrame, *, now: datetime, dry_run: bool
) -> Compared:
    """Measure an export, judge what is expected of it by the days before, and keep both.

    A day counts once: a second look compares with the days before too, and takes the place of the first.
    """
    measures, asked = ask(live, export, now=now)
    if not dry_run:
        # Before anything is judged: whatever goes wrong there, the next nights need this one.
        day = now.astimezone(live.study.zone).date()
        keep_measures(live.store, project_of(live), measures=measures, day=day, now=now)
    with _home(dry_run=dry_run) as home:
        outcomes, error = judge(live, asked, export=export, home=home, now=now)
    by_id = {one.id: one for one in asked.expected}
    judgements = tuple((by_id[one.id], Result(one.result), one.observed) for one in outcomes)
    if not dry_run:
        keep_judged(live, judgements, now=now)
    return Compared(judgements, digest_of(asked.expected), error)


@effect("measure")
def ask(live: LiveProject, export: pd.DataFrame, *, now: datetime) -> tuple[pd.DataFrame, Asked]:
    """Measure an export (`MEASURE_COLUMNS`), and say what is expected of it by the days before today."""
    study, today = live.study, now.astimezone(live.study.zone).date()
    history = read_measures(
        live.store,
        project_of(live),
        since=now - _REMEMBERED,
        before=today,
        thinned=Thinned(partial(days_wanted, today=today), ALWAYS),
    )
    measures = measure_project(
        export,
        study=study,
        dictionary=live.dictionary,
        grid=live.grid,
        today=today,
        tallies=_tallies(live, now=now),
        history=history,
    )
    local = history.assign(at=history["at"].dt.tz_convert(study.zone))
    asked = ask_project(study, live.dictionary, live.grid, measures=measures, history=local, today=today)
    run_logger().info("%d numbers were measured, %d are expected", len(measures), len(asked.expected))
    return measures, asked


@effect("judge expectations")
def judge(
    live: LiveProject, asked: Asked, *, export: pd.DataFrame, home: Path, now: datetime
) -> tuple[Sequence[Outcome], ExpectationRaised | None]:
    """Judge each expectation, and write the pages of it; an error is for the flow, once all is kept."""
    if not asked.expected:
        return [], None
    project = Project(live.study.study, asked.measures, export, live.dictionary)
    try:
        return validate(project, asked.expected, home=home, at=now.astimezone(live.study.zone)), None
    except ExpectationRaised as error:
        return error.outcomes, error


def write_values(live: LiveProject, folder: Path, *, now: datetime) -> None:
    """Write the pages of the expectations with values into a folder, for a person in a terminal."""
    export = export_project(live)
    asked = ask(live, export, now=now)[1]
    project = Project(live.study.study, asked.measures, export, live.dictionary)
    validate(project, asked.expected, home=folder, at=now.astimezone(live.study.zone), values=True)


@contextmanager
def _home(*, dry_run: bool) -> Iterator[Path]:
    """Where the pages are written; those of a dry run are not kept."""
    if not dry_run:
        yield load_settings().home
        return
    with TemporaryDirectory(prefix="capstan-") as folder:
        yield Path(folder)


def _tallies(live: LiveProject, *, now: datetime) -> pd.DataFrame:
    """What became of the messages of the last weeks: `message`, `stage`, `count`."""
    rows = tally_messages(live.store, room_of(live.study), since=now - _MESSAGES_OF)
    return pd.DataFrame(rows, columns=["message", "stage", "count"])
