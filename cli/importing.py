"""`capstan import`: a CSV file into REDCap, through the gate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.running import AsJson, DryRun, Parameters, StudyOption
from cli.showing import print_json, show_stopped, show_summary


def import_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="A CSV file with REDCap's export columns.")
    ],
    study: StudyOption,
    dry_run: DryRun = False,
    param: Parameters = [],  # noqa: B006 - typer reads the default, nothing changes it
    as_json: AsJson = False,
) -> None:
    """Import a CSV file: every cell is judged, what passes is written, the rest is stopped and explained.

    Example: capstan import exams.csv --study demo -p max_share=0.5
    """
    from capstan.store import find_run, read_verdicts
    from cli.calling import call_flow, exit_code, read_parameters
    from cli.stores import open_store_here

    parameters = {"study": study, "file": str(file), "dry_run": dry_run, **read_parameters(param)}
    summary = call_flow("import_records", parameters)
    with open_store_here() as store:
        verdicts = read_verdicts(store, find_run(store, summary["run"]))
    stopped = verdicts[verdicts["severity"].isin(["fatal", "hold", "error"])]
    if as_json:
        print_json(
            {
                **summary,
                "accepted": summary["rows_accepted"],
                "rejected": stopped.to_dict("records"),
                "cells": summary["cells_planned"],
            }
        )
    else:
        show_stopped(stopped)
        show_summary(summary)
    raise typer.Exit(exit_code(summary))
