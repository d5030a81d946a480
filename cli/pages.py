"""`capstan page` and `capstan calendar`: pages of a study and of a run, and addresses of calendars."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.running import AsJson
from cli.showing import print_json

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="The name of the study.")]


def page(
    study: Annotated[str, typer.Argument(metavar="[STUDY]", help="The name of the study.")] = "",
    run: Annotated[str, typer.Option("--run", metavar="RUN", help="The page of this run instead.")] = "",
    records: Annotated[
        bool, typer.Option("--records", help="Name records in the examples of a run's page. For you alone.")
    ] = False,
    is_opened: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the page of a study, or of a run, now, and print where it is.

    Each run makes both by itself. A page with --records is in a folder of its own, which no server shows.

    Example: capstan page demo --open
    Example: capstan page --run 20261122-1015 --records
    """
    from capstan.errors import UsageError

    if bool(study) == bool(run) or (records and not run):
        raise UsageError("Name either a study or, with --run, a run; --records is for the page of a run.")
    path = _run_page(run, records=records) if run else _study_page(study)
    if is_opened:
        typer.launch(path.as_uri())
    if as_json:
        print_json({"page": str(path)})
    else:
        typer.echo(path)


def calendar(study: StudyName, as_json: AsJson = False) -> None:
    """Print the addresses of a study's calendars of visits due, one for each site and one for all.

    Whoever has an address reads the calendar, so give each only to its site. Another
    page.calendars.generation in the study file makes all of them invalid, and gives new ones.

    Example: capstan calendar demo
    """
    from capstan.errors import UsageError
    from capstan.settings import load_settings
    from capstan.study import find_study, read_study
    from cli.stores import open_store_here
    from tasks.calendar_addresses import calendar_path, calendars_in
    from tasks.folders import study_folders
    from tasks.page_folders import calendars_of

    settings = load_settings()
    found = read_study(find_study(study, folders=study_folders(settings)))
    if found.page.calendars is None:
        raise UsageError(
            f"Study {study} has no calendars; put `page: {{calendars: {{}}}}` into its study.yaml."
        )
    if not settings.public_url:
        raise UsageError("Set CAPSTAN_PUBLIC_URL to the address at which people reach the receiver.")
    listed = calendars_in(calendars_of(settings.home, study))
    if not listed:
        raise UsageError("There is no calendar yet: `capstan run compute_visit_dates` makes them.")
    with open_store_here() as store:
        paths = [calendar_path(one, study=found, keys=store.keys) for one in listed]
    told = [
        {**one._asdict(), "address": f"{settings.public_url}{path}"}
        for one, path in zip(listed, paths, strict=True)
    ]
    if as_json:
        print_json({"calendars": told})
        return
    for one, each in zip(listed, told, strict=True):
        # Whole lines, because a broken address is none.
        typer.echo(f"{one.title}: {each['address']}")


def _study_page(study: str) -> Path:
    from tasks.pages import make_page

    return make_page(study)


def _run_page(name: str, *, records: bool) -> Path:
    from capstan.settings import load_settings
    from capstan.store import find_run
    from capstan.study import find_study, read_study
    from cli.stores import open_store_here
    from tasks.folders import study_folders
    from tasks.pages.run_page import write_run_page

    with open_store_here() as store:
        run = find_run(store, name)
        study = read_study(find_study(run.study, folders=study_folders(load_settings())))
        return write_run_page(store, run, study=study, with_records=records, now=datetime.now(UTC))
