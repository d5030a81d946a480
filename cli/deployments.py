"""`capstan deployments`: the file by which Prefect deploys studies."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from capstan.timetable.deployments import Deployment

Studies = Annotated[
    list[str], typer.Argument(metavar="[STUDY]...", help="Names of studies; all without one.")
]


def deployments(
    studies: Studies = [],  # noqa: B006 - typer reads the default, nothing changes it
    out: Annotated[
        Path | None, typer.Option(help="The file to write; without it the text is printed.")
    ] = None,
    pool: Annotated[str, typer.Option(help="The work pool whose workers run the flows.")] = "capstan",
    queue: Annotated[str, typer.Option(help="A queue of that pool; its default queue without it.")] = "",
    heartbeat: Annotated[
        bool,
        typer.Option("--heartbeat", help="Every 10 minutes a heartbeat; set CAPSTAN_HEARTBEAT_URL for it."),
    ] = False,
) -> None:
    """Write the deployments of studies for `prefect --no-prompt deploy --all`, each flow at its times.

    Example: capstan deployments demo --out prefect.yaml
    """
    from capstan.errors import StudyError
    from capstan.timetable.prefect_file import WITHOUT_STUDY, prefect_file
    from tasks.timetables import read_timetable

    found = read_timetable(studies)
    if found.faults:
        raise StudyError(found.faults[0])
    if not found.studies:
        raise StudyError("There is no study yet; `capstan init NAME` writes one.")
    _check_parameters(found.deployments)
    command = " ".join(["capstan deployments", *studies])
    text = prefect_file(found.deployments, command=command, pool=pool, queue=queue, heartbeat=heartbeat)
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{out} cannot be written ({error.strerror}).", param_hint="--out") from None
    typer.echo(
        f"wrote {len(found.deployments) + len(WITHOUT_STUDY)} deployments to {out}; next: {_next(out)}",
        err=True,
    )


def _check_parameters(deployments: Sequence[Deployment]) -> None:
    """Refuse parameters that a flow does not have."""
    from capstan.errors import StudyError, UsageError
    from tasks.parameters import check_parameters

    for one in deployments:
        flow = one.row.flow
        for schedule in (each for each in one.schedules if each.parameters):
            function = getattr(import_module(f"flows.{flow}"), flow).fn
            try:
                check_parameters(function, {"study": one.study, **schedule.parameters})
            except UsageError as error:
                raise StudyError(f"{one.study}: schedules.flows.{flow}: {error}") from None


def _next(out: Path) -> str:
    chosen = "" if out.name == "prefect.yaml" else f" --prefect-file {out}"
    return f"prefect --no-prompt deploy --all{chosen}"
