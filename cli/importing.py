"""`capstan import`: a CSV file into REDCap, through the gate; or a corrected file, and nothing imported."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.running import AsJson, DryRun, Parameters, StudyOption

_LIMITS = {
    "max_records": "records",
    "max_share": "share",
    "max_blanked": "blanked",
    "max_new_records": "new_records",
}


class Fix(StrEnum):
    """Which corrections to write."""

    SUGGESTED = "suggested"


def import_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="A CSV file with REDCap's export columns.")
    ],
    study: StudyOption,
    dry_run: DryRun = False,
    param: Parameters = [],  # noqa: B006 - typer reads the default, nothing changes it
    as_json: AsJson = False,
    fix: Annotated[
        Fix | None,
        typer.Option(help="Write a corrected file with what was evidently meant, and import nothing."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write the corrected file.")
    ] = None,
) -> None:
    """Import a CSV file: every cell is judged, what passes is written, the rest is stopped and explained.

    With `--fix suggested` nothing is imported: a corrected file is written for you to look at.

    Example: capstan import exams.csv --study demo -p max_share=0.5
    """
    from cli.calling import call_flow, read_parameters
    from cli.finishing import finish, stopped_verdicts

    if fix or output:
        _write_corrections(file, study=study, fix=fix, output=output, param=param, as_json=as_json)
        return
    parameters = {"study": study, "file": str(file), "dry_run": dry_run, **read_parameters(param)}
    summary = call_flow("import_records", parameters)
    stopped = stopped_verdicts(summary)
    more = {
        "accepted": summary["rows_accepted"],
        "rejected": stopped.to_dict("records"),
        "cells": summary["cells_planned"],
    }
    finish({**summary, **more} if as_json else summary, stopped=stopped, as_json=as_json)


def _write_corrections(
    file: Path, *, study: str, fix: Fix | None, output: Path | None, param: list[str], as_json: bool
) -> None:
    """Write the corrected file beside the other, and print how much was corrected, in counts."""
    from capstan.errors import UsageError
    from cli.showing import print_json
    from tasks.correcting import correct_file

    if fix is None:
        raise UsageError("-o names a corrected file; give --fix suggested with it.")
    target = output or file.with_name(f"{file.stem}.corrected.csv")
    made = correct_file(study, file=str(file), target=target, limits=_limits(param))
    if as_json:
        print_json(made._asdict())
        return
    typer.echo(f"{made.file}: cells corrected: {sum(made.cells.values())}; nothing was imported.")
    for title, counts in (
        ("corrected", made.cells),
        ("stopped before", made.stopped_before),
        ("still stopped", made.stopped_after),
    ):
        typer.echo(
            f"  {title}: " + (", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing")
        )
    typer.echo("Compare it with your file before you import it.")


def _limits(param: list[str]) -> dict[str, str]:
    """The limits that are given for this file, by their name in the study."""
    from capstan.errors import UsageError
    from cli.calling import read_parameters

    given = read_parameters(param)
    unknown = sorted(set(given) - set(_LIMITS))
    if unknown:
        raise UsageError(f"--fix takes no parameter {unknown[0]!r}; it takes {', '.join(_LIMITS)}.")
    return {_LIMITS[name]: value for name, value in given.items()}
