"""The `capstan` command: its subcommands, and how errors end."""

from __future__ import annotations

import os
import sys

import typer

from capstan.errors import CapstanError, Refused
from cli import (
    alarms,
    breaker,
    deployments,
    doctor,
    drift,
    files,
    forms,
    importing,
    init,
    journal,
    messages,
    monitors,
    pages,
    plans,
    quality,
    quarantine,
    queries,
    receiver,
    records,
    rehearsing,
    release,
    replies,
    run_studies,
    running,
    sandbox,
    schedule,
    sessions,
    store,
    triggers,
)
from cli.progress import progress_shown
from cli.showing import print_json

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Do the repeated work of a REDCap study: read, compute, check every cell, write back, undo.\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 held or refused, 4 partly done.",
)
app.command("run")(running.run)
app.command("run-studies")(run_studies.run_studies)
app.command("import")(importing.import_file)
app.command("rehearse")(rehearsing.rehearse)
app.command("init")(init.init)
app.command("doctor")(doctor.doctor)
app.command("alarms")(alarms.alarms)
app.command("heartbeat")(alarms.heartbeat)
app.command("drift")(drift.drift)
app.command("page")(pages.page)
app.command("calendar")(pages.calendar)
app.command("schedule")(schedule.schedule)
app.command("deployments")(deployments.deployments)
app.add_typer(forms.app, name="forms")
app.add_typer(files.app, name="files")
app.add_typer(records.app, name="records")
app.add_typer(plans.app, name="plan")
app.add_typer(journal.app, name="journal")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(queries.app, name="queries")
app.add_typer(quality.app, name="quality")
app.add_typer(messages.app, name="messages")
app.add_typer(replies.app, name="replies")
app.add_typer(receiver.app, name="receiver")
app.add_typer(triggers.app, name="triggers")
app.add_typer(sessions.app, name="sessions")
app.add_typer(monitors.app, name="monitors")
app.add_typer(store.app, name="store")
app.add_typer(release.app, name="release")
app.add_typer(breaker.app, name="breaker")
app.add_typer(sandbox.app, name="sandbox")


def main() -> None:
    """Run the command; a person's mistake ends with one sentence and its exit code, without a traceback."""
    # A study's machine calls nobody but its REDCap and its Prefect server.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    try:
        with progress_shown():
            app()
    except CapstanError as error:
        # Whatever stops a command that was asked for JSON, a program finds one line of it.
        if "--json" in sys.argv:
            outcome = "refused" if isinstance(error, Refused) else "failed"
            run = {"run": error.run} if error.run else {}
            print_json({"outcome": outcome, "reason": str(error), **run})
        typer.echo(f"capstan: {error}", err=True)
        sys.exit(error.exit_code)
