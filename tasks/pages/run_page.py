"""The run page: what a run did, kept as a file that needs no server, long after the run."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from capstan.errors import CapstanError, Refused
from capstan.settings import load_settings
from capstan.store import Run, Store, find_run
from capstan.store.run_pages import run_before, runs_answered
from capstan.study import Study
from checks.overview.run_story import ProjectNames
from tasks.connections import LiveProject
from tasks.page_folders import named_runs_of, runs_of
from tasks.pages.run_story import run_overview
from tasks.private_files import replace_privately
from tasks.shield import run_logger, shielded


def renew_run_pages(live: LiveProject, run: Run, *, now: datetime) -> None:
    """Write the page of a run that has something to tell, and those on which it is named; delete old ones.

    A page that cannot be written changes nothing of what the run did: then the log says so.
    """
    try:
        _renew(live, run, now=now)
    except CapstanError as error:
        run_logger().warning("The page of the run could not be written: %s", type(error).__name__)


@shielded
def _renew(live: LiveProject, run: Run, *, now: datetime) -> None:
    study, store = live.study, live.store
    delete_old_pages(study, now=now)
    if not run.about:
        return
    run = find_run(store, run.id)
    names = ProjectNames.of(live.dictionary, grid=live.grid)
    named = {one.id: one for one in (run, run_before(store, run), *runs_answered(store, run)) if one}
    for one in named.values():
        with suppress(Refused):  # what the run before found was deleted meanwhile, and its page with it
            write_run_page(store, one, study=study, names=names, now=now)


def write_run_page(
    store: Store,
    run: Run,
    *,
    study: Study,
    names: ProjectNames | None = None,
    with_records: bool = False,
    now: datetime,
) -> Path:
    """Write the page of a run, and return where it is.

    `with_records` makes one for the person who asks, beside the others: no server shows it. Raises Refused
    where retention has deleted what the run found.
    """
    # Only a run that has a page pays for what draws it.
    from capstan.reports import render_run_page

    names_records = with_records or study.page.records
    overview = run_overview(store, run, study=study, names=names, names_records=names_records, now=now)
    folder = (named_runs_of if with_records else runs_of)(load_settings().home, study.study)
    path = folder / f"{run.id}.html"
    replace_privately(path, render_run_page(overview).encode())
    return path


def delete_old_pages(study: Study, *, now: datetime) -> None:
    """Delete the pages of runs that are past the study's retention, as the store does what they found."""
    oldest = f"{now.astimezone(UTC) - timedelta(days=study.retention_days):%Y%m%d-%H%M%S}"
    home = load_settings().home
    for folder in (runs_of, named_runs_of):
        for path in folder(home, study.study).glob("*.html"):
            # A run's id begins with its time.
            if path.name < oldest:
                path.unlink(missing_ok=True)
