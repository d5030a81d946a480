"""`capstan import`: a CSV file into REDCap, through the gate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.running import AsJson, DryRun, Parameters, StudyOption


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
    from cli.calling import call_flow, read_parameters
    from cli.finishing import finish, stopped_verdicts

    parameters = {"study": study, "file": str(file), "dry_run": dry_run, **read_parameters(param)}
    summary = call_flow("import_records", parameters)
    stopped = stopped_verdicts(summary)
    more = {
        "accepted": summary["rows_accepted"],
        "rejected": stopped.to_dict("records"),
        "cells": summary["cells_planned"],
    }
    finish({**summary, **more} if as_json else summary, stopped=stopped, as_json=as_json)
