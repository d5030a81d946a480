"""How a command that ran a flow ends: what it prints, and the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import pandas as pd
import typer

from capstan.store import find_run, read_verdicts
from capstan.verdict import NO_VERDICTS, Severity, of_severity, stopping
from cli.showing import print_json, show_stopped, show_summary
from cli.stores import open_store_here

# What stops a row by itself goes away with the next run.
_PASSING = {"stale_base", "response_count"}
EXIT_CODES = {"failed": 1, "held": 3, "refused": 3, "partly": 4}


def finish(summary: Mapping[str, Any], *, stopped: pd.DataFrame, as_json: bool) -> NoReturn:
    """Print a run's summary and what it stopped; what is no full success, in one sentence on stderr."""
    if as_json:
        print_json(summary)
    else:
        show_stopped(stopped)
        show_summary(summary)
    code = exit_code(summary)
    if code or "reason" in summary:
        typer.echo(f"capstan: {_sentence(summary, stopped=stopped)}", err=True)
    raise typer.Exit(code)


def stopped_verdicts(summary: Mapping[str, Any]) -> pd.DataFrame:
    """The verdicts that stopped something in a run, from the journal; a flow without a run stops nothing."""
    if "run" not in summary:
        return NO_VERDICTS
    with open_store_here() as store:
        verdicts = read_verdicts(store, find_run(store, summary["run"]))
    return stopping(verdicts)


def exit_code(summary: Mapping[str, Any]) -> int:
    """0 done, 1 failed, 3 held, refused or every row stopped, 4 partly done."""
    code = EXIT_CODES.get(str(summary["outcome"]), 0)
    if code == 0 and summary.get("rows_rejected"):
        return 4 if summary.get("cells_planned") else 3
    return code


def _sentence(summary: Mapping[str, Any], *, stopped: pd.DataFrame) -> str:
    """What was not done, why, and what to do; in counts and names of fields."""
    if "reason" in summary:
        return str(summary["reason"])
    outcome, run = summary["outcome"], summary["run"]
    whole = of_severity(stopped, Severity.FATAL, Severity.HOLD)
    if outcome in ("held", "refused") and len(whole):
        first = whole.iloc[0]
        place = f"{first['field']}: " if first["field"] else ""
        more = f" ({len(whole) - 1} more reasons)" if len(whole) > 1 else ""
        look = f" `capstan plan show {summary['plan'][:12]}` shows it." if "plan" in summary else ""
        return f"{outcome}, nothing was written: {place}{first['reason']}{more}{look}"
    if summary.get("cells_moved_on") and "reverts" in summary:
        return (
            f"somebody changed cells ({summary['cells_moved_on']}) since run {summary['reverts']} wrote "
            "them; they were left alone, look at them in REDCap."
        )
    if summary.get("stopped"):
        what = ", ".join(summary["stopped"])
        return f"messages are stopped ({what}); mend the cause, then `capstan messages resume`."
    checks = ", ".join(f"{check} {rows}" for check, rows in summary.get("rows_stopped", {}).items())
    done = "the others were written" if summary.get("cells_written") else "nothing was written"
    said = f"rows were stopped ({checks}), {done}" if checks else "some cells did not arrive in REDCap"
    mend = "run again" if set(summary.get("rows_stopped", {})) <= _PASSING else "correct them and run again"
    kept = "" if summary["dry_run"] or not checks else ", `capstan quarantine list` keeps them"
    return f"{said}; `capstan journal show {run}` says why{kept}, {mend}."
