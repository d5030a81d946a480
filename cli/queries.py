"""`capstan queries`: what was found in a project, until it is gone, answered or dismissed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from capstan.query import QueryState
from cli.monitors import By, login
from cli.running import AsJson, StudyOption
from cli.session_finding import read_study_file
from cli.showing import clickable, console, plain_table, print_json

if TYPE_CHECKING:
    from capstan.store import Store
    from capstan.store.outbox_rows import Mailroom
    from capstan.store.query_rows import Query

app = typer.Typer(no_args_is_help=True, help="Queries: what was found in the data, until it is settled.")
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The number of a query in the list.")]
Sites = Annotated[list[str] | None, typer.Option("--site", help="Only this access group; repeat it.")]
Checks = Annotated[list[str] | None, typer.Option("--check", help="Only this check; repeat it.")]
States = Annotated[
    list[QueryState] | None, typer.Option("--state", help="Only this state; repeat it. Open without.")
]
Older = Annotated[str, typer.Option(metavar="PERIOD", help="Only those open for as long, such as 30d.")]
_MOST_SHOWN = 200
_KEYS = ("record", "event", "instrument", "instance", "field")


@app.command("list")
def list_command(
    study: StudyOption,
    site: Sites = None,
    check: Checks = None,
    state: States = None,
    older: Older = "",
    as_json: AsJson = False,
) -> None:
    """List queries, oldest first, and count them by site and age; never a value.

    Example: capstan queries list --study demo --site north --older 30d
    """
    told = _chosen(study, site=site, check=check, state=state, older=older)
    counts = _by_site_and_age(told)
    if as_json:
        print_json({"queries": told, "counts": counts})
        return
    if not told:
        console.print("No query.")
        return
    table = plain_table("number", "site", "check", "where", "state", "days", whole=("number", "days"))
    for one in told[:_MOST_SHOWN]:
        where = clickable(escape(" · ".join(one[name] for name in _KEYS if one[name])), link=one["link"])
        said = (one["site"] or "-", one["check"], where or "the project", one["state"], str(one["days"]))
        table.add_row(str(one["number"]), *(escape(said[at]) if at != 2 else said[at] for at in range(5)))
    console.print(table)
    if len(told) > _MOST_SHOWN:
        console.print(f"… and {len(told) - _MOST_SHOWN} more; `capstan queries export` writes all.")
    _show_counts(counts)


@app.command()
def show(study: StudyOption, number: Number, as_json: AsJson = False) -> None:
    """Show one query, why it was opened, and what became of it.

    Example: capstan queries show 17 --study demo
    """
    from capstan.store.queries import read_query
    from cli.stores import open_store_here

    room = _room(study)
    with open_store_here() as store:
        query, events = read_query(store, room, number)
        told = _told(store, room, query, now=datetime.now(UTC))
    history = [{"at": one.at, "happened": one.happened, "by": one.by, "text": one.text} for one in events]
    if as_json:
        print_json({**told, "history": history})
        return
    for name, value in told.items():
        if value not in ("", None):
            text = f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value)
            console.print(f"  {name.replace('_', ' ')}: {escape(text)}")
    for one in events:
        said = f": {one.text}" if one.text else ""
        console.print(f"  {one.at:%Y-%m-%d %H:%M} UTC  {one.happened} by {escape(one.by + said)}")


@app.command()
def answer(
    study: StudyOption,
    number: Number,
    text: Annotated[str, typer.Option(help="The answer; it is kept sealed.")],
    by: By = "",
) -> None:
    """Answer a query. It stays answered until its finding is gone, or becomes another one.

    Example: capstan queries answer 17 --study demo --text "Weighed twice, it is right"
    """
    from capstan.store.queries import answer_query
    from cli.stores import open_store_here

    room = _room(study)
    with open_store_here() as store:
        answer_query(store, room, number, text=_given(text, "--text"), by=_who(by), now=datetime.now(UTC))
    console.print(f"query {number} is answered")


@app.command()
def dismiss(
    study: StudyOption,
    number: Number,
    reason: Annotated[str, typer.Option(help="Why nothing is to be done; it is kept sealed.")],
    by: By = "",
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Ask again from this day on.")
    ] = None,
) -> None:
    """Dismiss a query for as long as its finding stays the same, or until a day.

    Example: capstan queries dismiss 17 --study demo --reason "Known, see protocol deviation 4"
    """
    from capstan.store.queries import dismiss_query
    from cli.stores import open_store_here

    known, room, now = read_study_file(study), _room(study), datetime.now(UTC)
    ends = datetime.combine(until.date(), time(), known.zone) if until else None
    with open_store_here() as store:
        said = _given(reason, "--reason")
        dismiss_query(store, room, number, reason=said, by=_who(by), until=ends, now=now)
    console.print(f"query {number} is dismissed")


@app.command()
def reopen(study: StudyOption, number: Number, by: By = "") -> None:
    """Open a query again that was answered or dismissed.

    Example: capstan queries reopen 17 --study demo
    """
    from capstan.store.queries import reopen_query
    from cli.stores import open_store_here

    room = _room(study)
    with open_store_here() as store:
        reopen_query(store, room, number, by=_who(by), now=datetime.now(UTC))
    console.print(f"query {number} is open again")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A new file, for its owner only.")],
    study: StudyOption,
    site: Sites = None,
    check: Checks = None,
    state: States = None,
    older: Older = "",
) -> None:
    """Write queries into a CSV file, by site and the oldest first, with links to their forms.

    It names records: treat it like an export of the project.

    Example: capstan queries export queries.csv --study demo --site north
    """
    from cli.sheets import sheet_of
    from tasks.private_files import write_privately

    told = _chosen(study, site=site, check=check, state=state, older=older)
    told.sort(key=lambda one: (one["site"], one["open_since"], one["number"]))
    write_privately(file, sheet_of(told, columns=_COLUMNS), option="FILE.csv")
    counted = "1 query is" if len(told) == 1 else f"{len(told):,} queries are"
    console.print(f"{counted} in {escape(str(file))}")


_COLUMNS = (
    "number",
    "site",
    "age",
    "days",
    "state",
    "check",
    "severity",
    *_KEYS,
    "form",
    "reason",
    "open_since",
    "last_seen",
    "answer",
    "link",
)


def _chosen(
    study: str,
    *,
    site: list[str] | None,
    check: list[str] | None,
    state: list[QueryState] | None,
    older: str,
) -> list[dict[str, Any]]:
    """The queries that a person asks for, each with its last answer and the address of its form."""
    from capstan.store.queries import list_queries, read_events
    from cli.stores import open_store_here

    room, now = _room(study), datetime.now(UTC)
    with open_store_here() as store:
        found = list_queries(
            store,
            room,
            states=state or (QueryState.OPEN,),
            sites=site or (),
            checks=check or (),
            opened_before=now - _period(older) if older else None,
        )
        events = read_events(store, [one.id for one in found])
        answers = {event.query: event.text for event in events if event.text and event.by != "data_quality"}
        return [{**_told(store, room, one, now=now), "answer": answers.get(one.id, "")} for one in found]


def _told(store: Store, room: Mailroom, query: Query, *, now: datetime) -> dict[str, Any]:
    from capstan.store import Referred, form_address
    from capstan.store.queries import age_of

    referred = Referred(room.study, (room.host, room.project_id), query.place)
    names = ("site", "check", "severity", *_KEYS, "form", "reason")
    return {
        "number": query.id,
        "state": query.state.value,
        "how": query.how,
        **{name: getattr(query, name) for name in names},
        "open_since": query.opened_at,
        "last_seen": query.last_seen_at,
        "closed_at": query.closed_at,
        "until": query.until,
        "days": (now - query.opened_at).days,
        "age": age_of(query.opened_at, now=now),
        "link": form_address(store, referred) if query.record else "",
    }


def _by_site_and_age(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from capstan.store.queries import AGES

    counts = Counter((one["site"], one["age"]) for one in told)
    sites = sorted({site for site, _ in counts})
    return [{"site": site, **{age: counts[site, age] for age in AGES}} for site in sites]


def _show_counts(counts: list[dict[str, Any]]) -> None:
    names = [name for name in counts[0] if name != "site"]
    table = plain_table("site", *names, whole=("site", *names))
    for row in counts:
        table.add_row(escape(row["site"] or "-"), *(f"{row[name]:,}" for name in names))
    console.print()
    console.print(table)


def _room(study: str) -> Mailroom:
    from tasks.messages.queueing import room_of

    return room_of(read_study_file(study))


def _period(text: str) -> timedelta:
    from capstan.errors import UsageError
    from capstan.periods import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        told = f"--older {text} {error}"
    raise UsageError(told)


def _given(text: str, option: str) -> str:
    from capstan.errors import UsageError

    if not text.strip():
        raise UsageError(f"{option} must say something.")
    return text.strip()


def _who(by: str) -> str:
    return by.strip() or login()
