"""`capstan messages`: what was and will be sent, the switch that stops it, and what waits for a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from capstan.delivery import Channel
from capstan.message import MessageState
from cli.message_plans import plan
from cli.plans import By, Reason
from cli.running import AsJson, StudyOption
from cli.showing import Values, console, plain_table, print_json

app = typer.Typer(no_args_is_help=True, help="Messages to participants: look at them, stop and resume them.")
app.command()(plan)
Number = Annotated[int, typer.Argument(metavar="MESSAGE", help="The number of a message in the list.")]
OneChannel = Annotated[Channel | None, typer.Option("--channel", help="Only this channel; both without.")]
OneMessage = Annotated[
    str, typer.Option("--message", help="Only this message of the study file; needs --channel.")
]


@app.command("list")
def list_command(
    study: Annotated[str | None, typer.Option("--study", "-s", help="Only messages of this study.")] = None,
    state: Annotated[MessageState | None, typer.Option(help="Only messages in this state.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="Only messages that this run planned.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List messages, newest first; never a number, a name or a text.

    Example: capstan messages list --study demo --state review
    """
    from capstan.store import list_messages
    from cli.stores import open_store_here

    with open_store_here() as store:
        told = [_told(one) for one in list_messages(store, study=study, run=run, state=state, limit=limit)]
    if as_json:
        print_json({"messages": told})
        return
    whole = ("number", "from (UTC)", "state")
    table = plain_table("number", "message", "channel", "from (UTC)", "state", "why", whole=whole)
    for one in told:
        at = f"{one['not_before']:%Y-%m-%d %H:%M}"
        table.add_row(str(one["id"]), one["name"], one["channel"], at, one["state"], escape(one["why"]))
    console.print(table if told else "There are no such messages.")


@app.command()
def show(number: Number, values: Values = False, as_json: AsJson = False) -> None:
    """Show one message and what became of each attempt to send it; with --values also to whom and what.

    Example: capstan messages show 17 --values
    """
    from capstan.store import read_message
    from cli.stores import open_store_here

    with open_store_here() as store:
        message, attempts = read_message(store, number)
        link = _link(store, message)
    content = vars(message.content) if values and message.content else {}
    tries = [_tried(one) for one in attempts]
    if as_json:
        print_json({**_told(message), **link, **content, "attempts": tries})
        return
    console.print(
        f"[bold]{message.id}[/bold]  {escape(message.name)}  {message.state}  {escape(_why(message))}"
    )
    for name, text in (*link.items(), *content.items()):
        console.print(f"  {name}: {escape(text)}" if text else "", end="\n" if text else "")
    table = plain_table(
        "attempt", "at (UTC)", "outcome", "status", "code", "sid", whole=("attempt", "at (UTC)")
    )
    for one in tries:
        at = f"{one['started_at']:%Y-%m-%d %H:%M:%S}"
        told = (one["outcome"] or "on its way", one["status"], str(one["code"] or ""), one["sid"] or "")
        table.add_row(str(one["number"]), at, *told)
    console.print(table)


@app.command()
def cancel(number: Number) -> None:
    """Cancel a message that waits, for its time or for a person.

    Example: capstan messages cancel 17
    """
    from capstan.store import cancel_message
    from cli.stores import open_store_here

    with open_store_here() as store:
        cancel_message(store, number, now=datetime.now(UTC))
    console.print(f"message {number} is cancelled")


@app.command()
def settle(
    number: Number,
    state: Annotated[MessageState, typer.Option("--as", help="accepted, failed or cancelled.")],
) -> None:
    """Say what became of a message that waits for a person, because nobody could prove it.

    Example: capstan messages settle 17 --as accepted
    """
    from capstan.errors import Refused
    from capstan.store import settle_review
    from cli.stores import open_store_here

    with open_store_here() as store:
        if not settle_review(store, number, to=state, now=datetime.now(UTC)):
            raise Refused(f"Message {number} does not wait for a person; `capstan messages show` says more.")
    console.print(f"message {number} is {state}")


@app.command()
def stop(
    study: StudyOption, by: By, reason: Reason, channel: OneChannel = None, message: OneMessage = ""
) -> None:
    """Stop all messages of a study, one channel, or one message, within a second, wherever they are sent.

    Example: capstan messages stop --study demo --by "Ann Lee" --reason "Wrong clinic phone in the text"
    """
    from capstan.store import stop_channel
    from cli.stores import open_store_here

    _check(channel, message=message)
    room = _room(study)
    with open_store_here() as store:
        now = datetime.now(UTC)
        stop_channel(store, room, channel=channel, name=message, reason=reason, by=by, now=now)
    console.print(f"stopped: {_what(channel, message=message)}")


@app.command()
def resume(study: StudyOption, by: By, channel: OneChannel = None, message: OneMessage = "") -> None:
    """Let go on what was stopped; what was suppressed in the meantime waits for the next plan.

    Example: capstan messages resume --study demo --channel sms --by "Ann Lee"
    """
    from capstan.store import list_stops, resume_channel
    from cli.stores import open_store_here

    _check(channel, message=message)
    room = _room(study)
    with open_store_here() as store:
        now = datetime.now(UTC)
        resumed = resume_channel(store, room, channel=channel, name=message, by=by, now=now)
        left = list_stops(store, room)
    what = _what(channel, message=message)
    console.print(f"resumed: {what}" if resumed else f"{what} was not stopped")
    for one in left:
        still = _what(one.channel, message=one.name)
        console.print(f"still stopped: {still} ({escape(one.reason)}, {escape(one.by)})")


def _room(study: str) -> Any:
    """The study's outbox; asked of its file only, so that the switch works when REDCap does not."""
    from capstan.settings import load_settings
    from capstan.study import find_study, read_study
    from tasks.folders import study_folders
    from tasks.messages.queueing import room_of

    return room_of(read_study(find_study(study, folders=study_folders(load_settings()))))


def _check(channel: Channel | None, *, message: str) -> None:
    from capstan.errors import UsageError

    if message and channel is None:
        raise UsageError("One message is stopped on its channel: give --channel sms or --channel email too.")


def _what(channel: str | None, *, message: str) -> str:
    if message:
        return f"message {message}"
    return f"channel {channel}" if channel else "all messages"


def _told(message: Any) -> dict[str, Any]:
    names = ("id", "name", "run_id", "channel", "event", "instance", "state", "rule", "segments", "attempts")
    times = ("not_before", "not_after", "planned_at", "changed_at")
    return {**{name: getattr(message, name) for name in (*names, *times)}, "why": _why(message)}


def _link(store: Any, message: Any) -> dict[str, str]:
    """The address at which signed-in staff come to the record, where there is a receiver."""
    from capstan.settings import load_settings
    from capstan.store import find_run
    from capstan.triggers import Place
    from cli.session_finding import read_study_file
    from tasks.form_links import staff_link

    if message.content is None or not load_settings().public_url:
        return {}
    study = read_study_file(find_run(store, message.run_id).study)
    place = Place(message.content.record, message.event, "", "")
    return {"link": staff_link(store, study, place=place, now=datetime.now(UTC))}


def _tried(attempt: Any) -> dict[str, Any]:
    names = ("number", "started_at", "outcome", "status", "code", "sid", "written_to")
    return {name: getattr(attempt, name) for name in names}


def _why(message: Any) -> str:
    from capstan.message import explain_rule

    return explain_rule(message.rule) if message.rule else ""
