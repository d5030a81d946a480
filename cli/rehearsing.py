"""`capstan rehearse`: a study's flows on a copy of its live project, and what they would do."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capstan.errors import CapstanError, Refused, UsageError
from cli.running import AsJson, Parameters
from cli.showing import Values, print_json

if TYPE_CHECKING:
    from capstan.study import Study
    from tasks.rehearsed import Rehearsed

# They take up what an earlier run left behind, and a rehearsal begins without any.
_FOLLOWING = ("apply_plan", "rejudge_quarantine", "revert_run")
_CODES = {"failed": 1, "held": 3, "refused": 3, "partly": 4}


def rehearse(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="The name of the study.")],
    flow: Annotated[
        list[str],
        typer.Option("--flow", "-f", help="A flow to run there; repeat it. Default: those with rules."),
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day to act as if it were.")
    ] = None,
    de_identified: Annotated[
        bool, typer.Option("--de-identified", help="Invent names and numbers, shift dates, remove texts.")
    ] = False,
    page: Annotated[Path | None, typer.Option(help="Write the report as an HTML page, in counts.")] = None,
    values: Values = False,
    param: Parameters = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Copy the live project into a sandbox of its own, run the flows there, and say what they would do.

    The live project is read and cannot be written. Journal and quarantine of the rehearsal end with it.

    Example: capstan rehearse demo --on 2026-03-01 --page rehearsal.html
    """
    from cli.rehearsal_report import render_page, show_report
    from tasks.private_files import write_privately

    _check_output(page, values=values, as_json=as_json)
    day = on.date() if on else None
    done, report = _rehearsed(study, flows=flow, param=param, on=day, de_identified=de_identified)
    if page:
        write_privately(page, render_page(report).encode(), option="--page")
    if as_json:
        print_json(report)
    else:
        show_report(report, done=done, values=values)
    raise typer.Exit(_exit_code(done))


def _rehearsed(
    study: str, *, flows: list[str], param: list[str], on: date | None, de_identified: bool
) -> tuple[list[Rehearsed], dict[str, Any]]:
    """Run the flows on a copy; what each did, and the report in counts."""
    from capstan.settings import load_settings
    from capstan.study import find_study, read_study
    from tasks.folders import study_folders
    from tasks.rehearsal import rehearsal

    folder = find_study(study, folders=study_folders(load_settings()))
    live = read_study(folder)
    chosen = _chosen(flows, study=live)
    given = _given(param, flows=chosen)
    with rehearsal(live, folder, on=on, de_identified=de_identified) as stage:
        done = [_run(name, {"study": study, **given[name]}) for name in chosen]
    return done, {
        "study": study,
        "on": on,
        "de_identified": de_identified,
        "records": stage.records,
        "users": stage.users,
        "flows": [one.counts() for one in done],
    }


def _check_output(page: Path | None, *, values: bool, as_json: bool) -> None:
    """Refuse at once what would fail after all the work."""
    if values and (as_json or not sys.stdout.isatty()):
        raise UsageError("--values shows participants' data, so it needs a terminal and goes without --json.")
    if page and page.exists():
        raise UsageError(f"{page}: is there already; name another file with --page.")
    if page and not page.absolute().parent.is_dir():
        raise UsageError(f"{page}: there is no such folder; make it, or name another file with --page.")


def _chosen(flows: list[str], *, study: Study) -> list[str]:
    """The flows to run, which are those that the study has rules for unless a person names some."""
    chosen = [name.replace("-", "_") for name in flows]
    if following := [name for name in chosen if name in _FOLLOWING]:
        raise UsageError(
            f"{following[0]} goes on from an earlier run, and a rehearsal begins without any; leave it out."
        )
    has_rules = {
        "compute_visit_dates": study.visits,
        "check_eligibility": study.eligibility.criteria,
        "send_messages": study.messages,
    }
    chosen = chosen or [name for name, rules in has_rules.items() if rules]
    if not chosen:
        raise UsageError(f"Study {study.study} has no visits, criteria or messages; name a flow with --flow.")
    return chosen


def _given(pairs: list[str], *, flows: list[str]) -> dict[str, dict[str, Any]]:
    """The parameters of each flow; raises UsageError for one that none of them takes."""
    from cli.calling import parameters_of, read_parameters

    parameters, known = read_parameters(pairs), {name: parameters_of(name) for name in flows}
    if "study" in parameters:
        raise UsageError("-p study: a rehearsal has the study that it names; leave it out.")
    unknown = sorted(set(parameters).difference(*known.values()))
    if unknown:
        raise UsageError(f"-p {unknown[0]}: none of {', '.join(flows)} has this parameter.")
    return {
        flow: {name: value for name, value in parameters.items() if name in names}
        for flow, names in known.items()
    }


def _run(name: str, parameters: dict[str, Any]) -> Rehearsed:
    """Run a flow on the copy; one that fails is told as such, and the next one has its turn."""
    from cli.calling import call_here
    from tasks.rehearsed import Rehearsed, read_rehearsed

    try:
        summary = call_here(name, parameters)
    except UsageError:
        raise
    except CapstanError as error:
        return Rehearsed(name, "refused" if isinstance(error, Refused) else "failed", str(error))
    return read_rehearsed(summary)


def _exit_code(done: list[Rehearsed]) -> int:
    """The worst of all flows: failed, held or refused, partly."""
    codes = {_CODES.get(one.outcome, 4 if len(one.stopped) else 0) for one in done} - {0}
    return min(codes, default=0)
