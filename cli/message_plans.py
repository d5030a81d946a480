"""`capstan messages plan`: who would get what, and which rule removes whom, before anything is sent."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from cli.running import AsJson
from cli.showing import Values, console, plain_table, print_json

if TYPE_CHECKING:
    import pandas as pd

    from tasks.messages.planning import Outlook

_PUBLIC = ("message", "record", "occasion", "channel", "language", "segments", "not_before", "rule")
_VALUES = ("address", "subject", "text")


def plan(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="The name of the study.")],
    message: Annotated[
        list[str], typer.Option("--message", help="Only this message of the study file; repeat it.")
    ] = [],  # noqa: B006 - typer reads the default, nothing changes it
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Plan as if it were noon of this day.")
    ] = None,
    values: Values = False,
    as_json: AsJson = False,
) -> None:
    """Show who would get which message now, which rule removes whom, and what it would cost.

    Nothing is sent, queued or written. Record ids are shown and, with --values, addresses and texts.

    Example: capstan messages plan demo --message six_month_reminder --values
    """
    from tasks.messages.planning import count_plan, look_ahead

    outlook = look_ahead(study, names=message, on=on.date() if on else None)
    shown = outlook.planned[[*_PUBLIC, *(_VALUES if values else ())]]
    if as_json:
        rows = shown.assign(why=shown["rule"].map(_why)).to_dict("records")
        print_json({**count_plan(outlook.planned), "forecast": _forecast(outlook), "messages": rows})
        return
    _show_rows(shown, outlook=outlook, values=values)
    _show_sums(outlook)


def _show_rows(shown: pd.DataFrame, *, outlook: Outlook, values: bool) -> None:
    names = ("message", "record", "occasion", "from", "segments", *(("to", "text") if values else ()))
    table = plain_table(*names, "why not", whole=("message", "from", "to"))
    for row in shown.to_dict("records"):
        start = datetime.fromisoformat(row["not_before"]).astimezone(outlook.study.zone)
        said = (row["address"], row["text"]) if values else ()
        when = f"{start:%m-%d %H:%M}" if not row["rule"] else ""
        cells = (row["message"], row["record"], row["occasion"], when, _size(row), *said)
        table.add_row(*map(escape, map(str, cells)), escape(_why(row["rule"])))
    console.print(table if len(shown) else "Nobody has a reason to get a message.")


def _show_sums(outlook: Outlook) -> None:
    removed = outlook.planned.loc[outlook.planned["rule"] != "", "rule"].value_counts()
    console.print(f"\n{len(outlook.planned) - removed.sum()} to be sent, {removed.sum()} removed")
    for rule, count in removed.items():
        console.print(f"  {count:>4}  {escape(_why(str(rule)))}")
    for line in _forecast(outlook):
        told = f"{line['messages']} texts, {line['segments']} segments, about {line['cost']:.2f}"
        console.print(f"{escape(str(line['message']))}: {told}")


def _forecast(outlook: Outlook) -> list[dict[Any, Any]]:
    from capstan.segments import forecast_cost

    sms = outlook.study.messaging.sms
    if sms is None:
        return []
    cost = forecast_cost(outlook.planned, price_per_segment=sms.price_per_segment)
    return [{**line, "cost": round(line["cost"], 4)} for line in cost.to_dict("records")]


def _size(row: dict[Any, Any]) -> str:
    return str(row["segments"]) if row["channel"] == "sms" and not row["rule"] else ""


def _why(rule: str) -> str:
    from capstan.message import explain_rule

    return explain_rule(rule) if rule else ""
