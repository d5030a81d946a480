"""`capstan quality`: what is expected of a project's data, and how it did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from cli.running import AsJson, StudyOption
from cli.session_finding import read_study_file
from cli.showing import console, plain_table, print_json

if TYPE_CHECKING:
    from capstan.store.quality_history import KeptOutcome

app = typer.Typer(
    no_args_is_help=True, help="The quality of a project's data: what is expected, and how it did."
)
_TREND = timedelta(days=30)
_ABOUT = ("form", "field", "event", "site")


@app.command()
def show(
    study: StudyOption,
    every: Annotated[bool, typer.Option("--all", help="Also the expectations that are met.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how the expectations did at the last look, what waits for more history, and the last 30 days.

    Example: capstan quality show --study demo
    """
    from capstan.store.quality_history import list_outcomes, read_outcomes
    from cli.stores import open_store_here
    from tasks.seen_places import project_named

    project, now = project_named(read_study_file(study)), datetime.now(UTC)
    with open_store_here() as store:
        outcomes = read_outcomes(store, project)
        days = list_outcomes(store, project, since=now - _TREND)
    trend: dict[str, dict[str, int]] = {}
    for day, result, count in days.to_numpy().tolist():
        trend.setdefault(day, {})[result] = count
    if as_json:
        print_json({"outcomes": [_told(one) for one in outcomes], "trend": trend})
        return
    if not outcomes:
        console.print("Nothing was looked at yet; `capstan run data_quality` does.")
        return
    _show_outcomes([_told(one) for one in outcomes if every or one.result != "passed"])
    _show_trend(trend)


@app.command()
def suite(study: StudyOption, as_json: AsJson = False) -> None:
    """Print what is expected of the project as it is now, as the next run would build it; nothing is kept.

    Example: capstan quality suite --study demo
    """
    from capstan.quality.expected import digest_of
    from tasks.quality.comparing import ask
    from tasks.quality.exporting import export_project
    from tasks.visiting import visiting

    with visiting(study, flow="data_quality", dry_run=True) as live:
        expected = ask(live, export_project(live), now=datetime.now(UTC))[1].expected
    digest = digest_of(expected)
    if as_json:
        print_json({"suite": digest, "expectations": [vars(one) for one in expected]})
        return
    table = plain_table("expectation", "severity", "what is expected")
    for one in expected:
        waits = f" (waits: {one.waits})" if one.waits else ""
        table.add_row(escape(one.id), one.severity, escape(one.sentence + waits))
    console.print(table)
    console.print(f"suite {digest}, {len(expected)} expectations")


@app.command()
def values(
    study: StudyOption,
    out: Annotated[Path, typer.Option(help="A folder for the pages, made for its owner alone.")],
) -> None:
    """Write the pages of expectations with the values that were found, for your eyes alone.

    The values are participants' data: keep the folder on this machine, and delete it when you are done.

    Example: capstan quality values --study demo --out ~/quality-demo
    """
    from capstan.store import make_private_folder
    from tasks.quality.comparing import write_values
    from tasks.visiting import visiting

    folder = make_private_folder(out.expanduser())
    with visiting(study, flow="data_quality", dry_run=True) as live:
        write_values(live, folder, now=datetime.now(UTC))
    console.print(f"the pages are in {escape(str(folder))}")


def _told(one: KeptOutcome) -> dict[str, Any]:
    names = ("expectation", "kind", "severity", *_ABOUT, "observed", "at", "since")
    return {**{name: getattr(one, name) for name in names}, "result": one.result.value}


def _show_outcomes(told: list[dict[str, Any]]) -> None:
    if not told:
        console.print("Every expectation is met.")
        return
    table = plain_table("expectation", "about", "severity", "result", "since", whole=("result", "since"))
    colours = {"failed": "red", "raised": "red", "waiting": "yellow", "passed": "green"}
    order = list(colours)
    for one in sorted(told, key=lambda one: (order.index(one["result"]), one["expectation"])):
        about = " · ".join(one[name] for name in _ABOUT if one[name])
        colour = colours[one["result"]]
        said = (one["severity"], f"[{colour}]{one['result']}[/{colour}]", f"{one['since']:%Y-%m-%d}")
        table.add_row(escape(one["expectation"]), escape(about), *said)
    console.print(table)


def _show_trend(trend: dict[str, dict[str, int]]) -> None:
    results = ("passed", "failed", "waiting", "raised")
    table = plain_table("day", *results, whole=("day", *results))
    for day, counts in sorted(trend.items(), reverse=True):
        table.add_row(day, *(f"{counts.get(name, 0):,}" for name in results))
    console.print()
    console.print(table)
