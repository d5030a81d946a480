"""`capstan sessions`: which sessions there are, what is missing of them, and what an id means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from cli.running import AsJson
from cli.session_decisions import add, expect_none, no_data, settle, share
from cli.session_finding import Label, StudyName, find_named, read_study_file
from cli.showing import Values, console, plain_table, print_json

if TYPE_CHECKING:
    from capstan.store import KeptRecord, Session, Store
    from capstan.study import Study

app = typer.Typer(no_args_is_help=True, help="Sessions: what REDCap tells of them, and what is missing.")


@app.command("list")
def list_command(
    study: StudyName,
    missing: Annotated[
        str, typer.Option("--missing", metavar="survey|data", help="Only sessions that lack it.")
    ] = "",
    waiting: Annotated[bool, typer.Option("--waiting", help="The forms that wait for a person.")] = False,
    values: Values = False,
    as_json: AsJson = False,
) -> None:
    """List sessions, or those that lack a survey or data, or the forms that wait for a person.

    Example: capstan sessions list demo --missing data
    """
    from capstan.store import RecordState, list_records
    from cli.stores import open_store_here

    known = read_study_file(study)
    with open_store_here() as store:
        if waiting:
            records = list_records(store, study, states=[RecordState.WAITING])
            told = [_told_record(one, values=values) | _link(store, known, one) for one in records]
            _print_records(told, as_json=as_json)
            return
        sessions = [_told(one, values=values) for one in _chosen(store, known, missing=missing)]
    if as_json:
        print_json({"sessions": sessions})
        return
    table = plain_table("session", "site", "survey", "data", "said not to come", whole=("session",))
    for one in sessions:
        said = ", ".join(each["kind"] for each in one["dismissals"])
        data = ", ".join(each["source"] for each in one["data"])
        table.add_row(escape(one["session"]), escape(one["site"]), _survey(one), escape(data), said)
    console.print(table if sessions else "There are no such sessions.")


@app.command()
def show(study: StudyName, session: Label, values: Values = False, as_json: AsJson = False) -> None:
    """Show one session: its form in REDCap, its data, and what people said; with --values also the form's.

    Example: capstan sessions show demo DTI01_CMH_H001_01_01 --values
    """
    from cli.stores import open_store_here

    known = read_study_file(study)
    with open_store_here() as store:
        found = find_named(store, known, session)
        told = _told(found, values=values)
        if found.record:
            told["record"] |= _link(store, known, found.record)
    if as_json:
        print_json(told)
        return
    console.print(f"[bold]{escape(told['session'])}[/bold]  site {escape(told['site'])}  {_survey(told)}")
    for name, text in (told["record"] or {}).items():
        if text:
            console.print(f"  {name.replace('_', ' ')}: {_spoken(text)}")
    for each in told["data"]:
        console.print(f"  data: {escape(each['source'])}, since {each['found_at']:%Y-%m-%d %H:%M} UTC")
    for each in told["dismissals"]:
        at = f"{each['at']:%Y-%m-%d}"
        console.print(f"  no {each['kind']} expected: {escape(each['reason'])} ({escape(each['by'])}, {at})")


@app.command("id")
def explain_id(study: StudyName, session: Label, as_json: AsJson = False) -> None:
    """Say what a session id means by the study's rules, and how KCNI writes it; nothing is kept.

    Example: capstan sessions id demo DTI01_CMH_H001_01_01
    """
    from capstan.errors import UsageError
    from capstan.sessions import BadId
    from capstan.sessions.reading import to_kcni
    from tasks.sessions import name_session, session_rules

    known = read_study_file(study)
    named = name_session(known, session)
    if isinstance(named, BadId):
        raise UsageError(named.reason)
    kcni = to_kcni(named, rules=session_rules(known))
    told = {
        "session": f"{named.name}_{named.number:02}",
        "study_code": named.study,
        "site": named.site,
        "subject": named.subject,
        "timepoint": named.timepoint,
        "number": named.number,
        "phantom": named.is_phantom,
        "bids": named.bids_name,
        "kcni": "" if isinstance(kcni, BadId) else kcni,
    }
    if as_json:
        print_json(told)
        return
    for name, text in told.items():
        console.print(f"  {name.replace('_', ' ')}: {escape(str(text))}")


app.command("expect-none")(expect_none)
app.command("no-data")(no_data)
app.command()(settle)
app.command()(share)
app.command()(add)


def _chosen(store: Store, study: Study, *, missing: str) -> tuple[Session, ...]:
    from capstan.errors import UsageError
    from capstan.store import list_sessions, missing_data, missing_surveys
    from tasks.sessions import session_rules

    if missing == "survey":
        return missing_surveys(store, study.study, sites=session_rules(study).expecting_sites)
    if missing not in ("", "data"):
        raise UsageError("--missing is survey or data.")
    return missing_data(store, study.study) if missing else list_sessions(store, study.study)


def _told(session: Session, *, values: bool) -> dict[str, Any]:
    record = session.record
    return {
        "session": str(session.key),
        "site": session.site,
        "phantom": session.is_phantom,
        "source": session.source.value,
        "shared": session.is_shared,
        "record": _told_record(record, values=values) if record else None,
        "data": [{"source": source, "found_at": at} for source, at in session.found],
        "dismissals": [one._asdict() for one in session.dismissals],
    }


def _told_record(record: KeptRecord, *, values: bool) -> dict[str, Any]:
    names = ("id", "event", "instrument", "instance", "event_id", "version", "reason", "by", "changed_at")
    told = {name: getattr(record, name) for name in names}
    told |= {"state": record.state.value, "names": str(record.key) if record.key else ""}
    if not values or record.content is None:
        return told
    return {**told, "record": record.record, **vars(record.content)}


def _link(store: Store, study: Study, record: KeptRecord) -> dict[str, str]:
    """The address of the form for signed-in staff, where there is a receiver; it names no participant."""
    from capstan.triggers import Place
    from tasks.form_links import staff_link

    place = Place(record.record or "", record.event, record.instrument, record.instance)
    link = staff_link(store, study, place=place, now=datetime.now(UTC)) if record.record else ""
    return {"link": link} if link else {}


def _spoken(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else escape(str(value))


def _survey(told: dict[str, Any]) -> str:
    if told["shared"]:
        return "shared"
    return "here" if told["record"] else ""


def _print_records(records: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"records": records})
        return
    table = plain_table("number", "form", "names", "why it waits", whole=("number",))
    for one in records:
        form = " · ".join(filter(None, (one["event"], one["instrument"], one["instance"])))
        named = one["names"] or one.get("session_id", "")
        said = f" (record {one['record']})" if "record" in one else ""
        table.add_row(str(one["id"]), escape(form + said), escape(named), escape(one["reason"]))
    console.print(table if records else "No form waits for a person.")
