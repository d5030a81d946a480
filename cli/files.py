"""`capstan files`: files into file fields and out of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from capstan.errors import Refused, UsageError
from cli.running import AsJson, DryRun, StudyOption
from cli.showing import console, print_json

if TYPE_CHECKING:
    from capstan.attachment import Attachment
    from tasks.file_places import FilePlace

app = typer.Typer(no_args_is_help=True, help="Files into file fields and out of them.")
Record = Annotated[str, typer.Option("--record", "-r", help="The record.")]
FileField = Annotated[str, typer.Option("--field", "-f", help="The file field.")]
Event = Annotated[
    str, typer.Option("--event", "-e", help="The unique name of the event, if there are events.")
]
Instance = Annotated[str, typer.Option(help="The instance, if the form or event repeats.")]


@app.command("import")
def import_file(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file.")],
    study: StudyOption,
    record: Record,
    field: FileField,
    event: Event = "",
    instance: Instance = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put a file into a file field, in place of the one that is there; the journal keeps that one.

    Example: capstan files import scan.jpg --study demo --record 17 --field exam_photo --event 6_month_arm_2
    """
    from capstan.attachment import Attachment
    from tasks.file_places import FilePlace

    try:
        attachment = Attachment(path.name, path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); check the name.") from None
    place = FilePlace(record, field, event, instance)
    _change(study, place, attachment=attachment, dry_run=dry_run, as_json=as_json)


@app.command()
def delete(
    study: StudyOption,
    record: Record,
    field: FileField,
    event: Event = "",
    instance: Instance = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete the file of a file field; `capstan journal revert` brings it back.

    Example: capstan files delete --study demo --record 17 --field exam_photo --event 6_month_arm_2
    """
    from tasks.file_places import FilePlace

    place = FilePlace(record, field, event, instance)
    _change(study, place, attachment=None, dry_run=dry_run, as_json=as_json)


@app.command()
def export(
    study: StudyOption,
    record: Record,
    field: FileField,
    event: Event = "",
    instance: Instance = "",
    to: Annotated[
        Path | None, typer.Option(help="Where to write it; a new file of its own name here without.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the file of a file field to this machine, readable by you only; no file is replaced.

    Example: capstan files export --study demo --record 17 --field exam_photo --to photo.jpg
    """
    from cli.calling import call_unrecorded
    from tasks.file_places import FilePlace
    from tasks.private_files import write_privately

    place = FilePlace(record, field, event, instance)
    attachment = call_unrecorded("change_files", "read_file", study, place=place)
    if attachment is None:
        raise Refused(f"The field {field} of this record holds no file.")
    path = to or Path(Path(attachment.name).name or field)
    write_privately(path, attachment.content, option="--to")
    if as_json:
        print_json({"file": str(path), "bytes": len(attachment.content)})
        return
    console.print(f"wrote {escape(str(path))} ({len(attachment.content):,} bytes)")


def _change(
    study: str, place: FilePlace, *, attachment: Attachment | None, dry_run: bool, as_json: bool
) -> None:
    from cli.calling import call_unrecorded
    from cli.finishing import finish, stopped_verdicts

    asked = {"place": place, "attachment": attachment, "dry_run": dry_run}
    summary = call_unrecorded("change_files", "change_file", study, **asked)
    finish(summary, stopped=stopped_verdicts(summary), as_json=as_json)
