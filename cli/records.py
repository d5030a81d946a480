"""`capstan records`: references of records, and deleting and renaming them, so that it can be taken back."""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

import typer
from rich.markup import escape

from cli.running import AsJson, DryRun, StudyOption
from cli.showing import Values, console, print_json

app = typer.Typer(
    no_args_is_help=True,
    help="References of records; delete and rename records, so that it can be taken back.",
)
Limit = Annotated[
    int | None,
    typer.Option(min=0, help="How many records this run may change, instead of the study's limit."),
]


@app.command()
def delete(
    records: Annotated[list[str], typer.Argument(metavar="RECORD", help="The ids of the records.")],
    study: StudyOption,
    limit: Limit = None,
    dry_run: DryRun = False,
    values: Values = False,
    as_json: AsJson = False,
) -> None:
    """Delete records, with their files; `capstan journal revert` brings them back.

    A study allows none until writes.limits.deleted_records or --limit says how many. The run stays out
    of Prefect, because its parameters are participants.

    Example: capstan records delete 17 --study demo --limit 1 --dry-run
    """
    asked = {"records": records, "limit": limit, "dry_run": dry_run}
    _change("delete", study, asked=asked, values=values, as_json=as_json)


@app.command()
def rename(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="The id that the record has.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The id that it gets.")],
    study: StudyOption,
    limit: Limit = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Give a record another id, in all arms; `capstan journal revert` gives it the old one back.

    A study allows it only with writes.limits.renamed_records or --limit of 1 or more. The run stays out
    of Prefect, because its parameters are participants.

    Example: capstan records rename 17 B-017 --study demo --limit 1
    """
    asked = {"names": {record: new}, "limit": limit, "dry_run": dry_run}
    _change("rename", study, asked=asked, values=True, as_json=as_json)


@app.command()
def reference(
    records: Annotated[list[str], typer.Argument(metavar="RECORD", help="The ids of the records.")],
    study: StudyOption,
    as_json: AsJson = False,
) -> None:
    """Print the references of records, by which a run on Prefect's pages is started for one participant.

    Prefect keeps the parameters of its runs, so a record's id does not belong there. A reference says nothing
    of the participant to anybody who does not have the store and its key.

    Example: capstan records reference 7 --study demo
    """
    from tasks.references import references_of

    _tell(references_of(study, records=records), as_json=as_json)


@app.command()
def whose(
    references: Annotated[list[str], typer.Argument(metavar="REFERENCE", help="Such as kqrt-mbxw-hjzp.")],
    study: StudyOption,
    as_json: AsJson = False,
) -> None:
    """Print the records that references name, such as one that stands on a page of Prefect's.

    Example: capstan records whose kqrt-mbxw-hjzp --study demo
    """
    from tasks.references import records_of

    _tell(records_of(study, references=references), as_json=as_json)


def _tell(found: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for one, other in found.items():
        console.print(f"{escape(one)}  {escape(other)}")


def _change(verb: str, study: str, *, asked: dict[str, Any], values: bool, as_json: bool) -> NoReturn:
    from cli.calling import call_unrecorded
    from cli.finishing import finish, stopped_verdicts
    from cli.journal import show_kept_plan

    summary = call_unrecorded("change_records", verb, study, **asked)
    if summary["dry_run"] and not as_json:
        show_kept_plan(summary["run"], values=values)
    finish(summary, stopped=stopped_verdicts(summary), as_json=as_json)
