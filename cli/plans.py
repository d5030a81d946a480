"""`capstan plan`: held plans, which a person looks at, and approves or rejects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from cli.running import AsJson
from cli.showing import Grouping, Values, console, plain_table, print_json, show_diff, show_stopped

# What the store's columns hold.
_MOST_LETTERS = 200
app = typer.Typer(no_args_is_help=True, help="Held plans: look at them, approve or reject them.")
Digest = Annotated[str, typer.Argument(metavar="DIGEST", help="The plan's digest, or its beginning.")]


def short(text: str) -> str:
    """Refuse a name that is longer than the store can keep."""
    if len(text) > _MOST_LETTERS:
        raise typer.BadParameter(f"at most {_MOST_LETTERS} letters")
    return text


By = Annotated[str, typer.Option("--by", callback=short, help="Who decides: a name.")]
Reason = Annotated[str, typer.Option(help="Why, without anything about a participant.")]


@app.command("list")
def list_command(
    study: Annotated[str | None, typer.Option("--study", "-s", help="Only plans of this study.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the plans that wait for a person, newest first.

    Example: capstan plan list --study demo
    """
    from capstan.store import RunState, find_approval, list_runs
    from cli.stores import open_store_here

    with open_store_here() as store:
        runs = list_runs(store, study, state=RunState.HELD, limit=1000)
        plans = [_public(run, approval=find_approval(store, run)) for run in runs]
    if as_json:
        print_json({"plans": plans})
        return
    whole = ("plan", "flow", "held", "until")
    table = plain_table("plan", "study", "flow", "cells", "held", "until", "approved by", whole=whole)
    for plan in plans:
        days = (f"{plan[name]:%Y-%m-%d}" for name in ("held_at", "expires_at"))
        by = (plan["approval"] or {}).get("by", "")
        cells = str(plan["counts"].get("cells_planned", ""))
        table.add_row(plan["plan"][:12], plan["study"], plan["flow"], cells, *days, escape(by))
    console.print(table if plans else "No plan waits for a person.")


@app.command()
def show(
    digest: Digest, by: Grouping = "participant", values: Values = False, as_json: AsJson = False
) -> None:
    """Show a held plan as a diff: what it would change, for each participant or each field.

    Values are masked unless --values asks for them: they are participants' data.

    Example: capstan plan show 3f2a --by field --values
    """
    from capstan.store import find_approval, read_verdicts
    from cli.stores import open_store_here
    from tasks.plans import read_plan

    with open_store_here() as store:
        waiting = read_plan(store, digest)
        verdicts = read_verdicts(store, waiting.run)
        told = _public(waiting.run, approval=find_approval(store, waiting.run))
    cells = waiting.plan.cells
    if as_json:
        shown = cells if values else cells.drop(columns=["before", "after"])
        print_json({**told, "verdicts": verdicts.to_dict("records"), "cells": shown.to_dict("records")})
        return
    _show_head(told, counts=waiting.plan.counts())
    show_stopped(verdicts[verdicts["severity"].isin(["fatal", "hold", "error"])])
    show_diff(cells, by=by, values=values)


@app.command()
def approve(
    digest: Digest,
    by: By,
    reason: Reason,
    hours: Annotated[int, typer.Option(min=1, help="How long the approval can be used.")] = 24,
    later: Annotated[
        bool, typer.Option("--later", help="Only approve; `capstan run apply_plan` applies it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Approve a held plan and apply it, if the project, the study and every cell are still the same.

    Example: capstan plan approve 3f2a --by "Ann Lee" --reason "The export of May, as planned"
    """
    from cli.calling import call_flow
    from cli.finishing import finish, stopped_verdicts
    from cli.stores import open_store_here
    from tasks.plans import approve_plan, read_plan

    with open_store_here() as store:
        waiting = read_plan(store, digest)
        approval = approve_plan(store, waiting, by=by, reason=reason, now=datetime.now(UTC), hours=hours)
    if later:
        _tell({"plan": waiting.plan.digest, "approved_by": by, "expires_at": approval.expires_at}, as_json)
        return
    summary = call_flow("apply_plan", {"study": waiting.run.study, "plan": waiting.plan.digest})
    finish(summary, stopped=stopped_verdicts(summary), as_json=as_json)


@app.command()
def reject(digest: Digest, by: By, reason: Reason, as_json: AsJson = False) -> None:
    """Reject a held plan: it can no longer be approved.

    Example: capstan plan reject 3f2a --by "Ann Lee" --reason "An old file"
    """
    from cli.stores import open_store_here
    from tasks.plans import read_plan, reject_plan

    with open_store_here() as store:
        waiting = read_plan(store, digest)
        reject_plan(store, waiting, by=by, reason=reason, now=datetime.now(UTC))
    _tell({"plan": waiting.plan.digest, "rejected_by": by}, as_json)


def _public(run: Any, *, approval: Any) -> dict[str, Any]:
    return {
        "plan": run.plan_digest,
        "run": run.id,
        "study": run.study,
        "flow": run.flow,
        "held_at": run.ended_at,
        "expires_at": run.expires_at,
        "counts": dict(run.counts),
        "approval": approval
        and {"by": approval.by, "reason": approval.reason, "expires_at": approval.expires_at},
    }


def _show_head(told: dict[str, Any], *, counts: dict[str, int]) -> None:
    size = ", ".join(f"{count} {name}" for name, count in counts.items())
    held, expires = (f"{told[name]:%Y-%m-%d %H:%M} UTC" for name in ("held_at", "expires_at"))
    console.print(f"[bold]{told['flow']}[/bold] of [bold]{told['study']}[/bold]: {size}")
    console.print(f"plan {told['plan']}", soft_wrap=True)
    console.print(f"held {held} by run {told['run']}")
    console.print(f"can be approved until {expires}")
    if told["approval"]:
        console.print(f"approved by {escape(told['approval']['by'])}: {escape(told['approval']['reason'])}")


def _tell(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    verb = "approved" if "approved_by" in told else "rejected"
    console.print(f"{verb} the plan {told['plan'][:12]}")
