"""`capstan schedule`: the one place that lists what is scheduled when, over all studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from cli.running import AsJson
from cli.showing import console, plain_table, print_json

if TYPE_CHECKING:
    from capstan.study import Study
    from capstan.timetable.deployments import Deployment
    from tasks.standings import Standing

_COLOURS = {"paused": "yellow", "other times": "yellow", "not deployed": "red", "not in the study": "yellow"}


def schedule(
    studies: Annotated[
        list[str], typer.Option("--study", "-s", help="The name of a study; repeat it. All without one.")
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    days: Annotated[int, typer.Option(min=1, max=366, help="For how many days starts are counted.")] = 7,
    picture: Annotated[Path | None, typer.Option(help="Draw a week into this .svg or .png file.")] = None,
    dark: Annotated[bool, typer.Option("--dark", help="Draw it for a dark page.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what runs when, of all studies; with a Prefect server also what runs there, and how it ended.

    Example: capstan schedule --study demo --days 14 --picture week.svg
    """
    from capstan.errors import StudyError
    from tasks.timetables import read_timetable

    if picture and picture.suffix not in (".svg", ".png"):
        raise typer.BadParameter("must end in .svg or .png.", param_hint="--picture")
    found = read_timetable(studies)
    if found.faults and (studies or not found.studies):
        raise StudyError(found.faults[0])
    for fault in found.faults:
        typer.echo(f"capstan: {fault}", err=True)
    now = datetime.now(UTC)
    standings = _standings(found.deployments)
    told = [
        _told(study, found.deployments, standings=standings, now=now, days=days) for study in found.studies
    ]
    if picture:
        _draw(found.studies, found.deployments, file=picture, dark=dark, now=now)
    if as_json:
        print_json({"from": now.isoformat(timespec="seconds"), "days": days, "studies": told})
        return
    for one in told:
        _show(one, days=days, with_server=standings is not None)


def _standings(deployments: Sequence[Deployment]) -> dict[tuple[str, str], Standing] | None:
    """What the Prefect server has, None without one; says so where it does not answer."""
    from tasks.deployed import server_address

    if not server_address():
        return None
    from httpx import HTTPError
    from prefect.exceptions import PrefectException

    from tasks.standings import read_standings

    try:
        return {(one.study, one.flow): one for one in read_standings(deployments)}
    except (HTTPError, PrefectException, RuntimeError) as error:
        typer.echo(f"capstan: the Prefect server does not answer ({type(error).__name__}).", err=True)
        return None


def _told(
    study: Study,
    deployments: Sequence[Deployment],
    *,
    standings: Mapping[tuple[str, str], Standing] | None,
    now: datetime,
    days: int,
) -> dict[str, Any]:
    mine = [one for one in deployments if one.study == study.study]
    flows = [_flow(one, now=now, days=days) for one in mine]
    if standings is not None:
        named = {one["flow"] for one in flows}
        flows += [{"flow": flow} for of, flow in standings if of == study.study and flow not in named]
        for one in flows:
            one["server"] = _standing(standings[study.study, one["flow"]])
    return {"study": study.study, "title": study.title, "timezone": study.timezone, "flows": flows}


def _flow(one: Deployment, *, now: datetime, days: int) -> dict[str, Any]:
    from capstan.timetable.words import say

    zone = ZoneInfo(one.schedules[0].timezone) if one.schedules else UTC
    starts = one.starts(now, end=now + timedelta(days=days))
    return {
        "flow": one.row.flow,
        "deployment": one.name,
        "about": one.row.about,
        "when": [say(schedule) for schedule in one.schedules],
        "schedules": [
            {
                "slug": each.slug,
                **({"every_seconds": each.every.total_seconds()} if each.every else {"cron": each.cron}),
                "parameters": dict(each.parameters),
            }
            for each in one.schedules
        ],
        "starts": len(starts),
        "next": starts[0].astimezone(zone).isoformat() if starts else None,
    }


def _standing(one: Standing) -> dict[str, Any]:
    times = {name: getattr(one, name) for name in ("last_at", "next_at")}
    iso = {name: at.isoformat(timespec="seconds") if at else None for name, at in times.items()}
    return {"stand": one.stand.value, "last": one.last, **iso}


def _show(told: Mapping[str, Any], *, days: int, with_server: bool) -> None:
    """Print a study: what runs by itself, then what is started on demand."""
    console.print(f"[bold]{told['study']}[/bold]  {escape(told['title'])}, clock of {told['timezone']}")
    more = ("last", "at Prefect") if with_server else ()
    table = plain_table("flow", "when", "next", f"in {days} d", *more, whole=("flow", "next"))
    for one in (one for one in told["flows"] if one.get("when") or "schedules" not in one):
        table.add_row(*_cells(one), *(_server_cells(one) if with_server else ()))
    console.print(table)
    demanded = [one["flow"] for one in told["flows"] if one.get("when") == []]
    if demanded:
        console.print(f"[dim]on demand: {', '.join(demanded)}[/dim]")
    console.print()


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    if "schedules" not in one:
        return one["flow"], "[dim]no study wants it[/dim]", "", ""
    following = datetime.fromisoformat(one["next"]).strftime("%a %d %b %H:%M") if one["next"] else ""
    return one["flow"], "; ".join(one["when"]), following, f"{one['starts']:,}"


def _server_cells(one: Mapping[str, Any]) -> tuple[str, str]:
    stand = one["server"]["stand"]
    shown = f"[{_COLOURS[stand]}]{stand}[/]" if stand in _COLOURS else "[green]ok[/]"
    return one["server"]["last"], shown


def _draw(
    studies: Sequence[Study], deployments: Sequence[Deployment], *, file: Path, dark: bool, now: datetime
) -> None:
    """Draw this week from Monday, on the clock that all studies share, else on UTC."""
    from cli.calendar_picture import save_week

    zones = {study.timezone for study in studies}
    zone = ZoneInfo(zones.pop() if len(zones) == 1 else "UTC")
    today = now.astimezone(zone).date()
    try:
        save_week(deployments, first=today - timedelta(days=today.weekday()), zone=zone, file=file, dark=dark)
    except OSError as error:
        raise typer.BadParameter(f"cannot be written ({error.strerror}).", param_hint="--picture") from None
