"""`capstan triggers coverage`: how many triggers REDCap sent for what people saved."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.running import AsJson
from cli.showing import console, plain_table, print_json

_COUNTS = ("saves", "received", "late", "missed", "duplicate", "made", "deleted", "renamed")
_HEADS = {"duplicate": "twice"}  # for the width of a terminal


def coverage(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="The name of the study.")],
    limit: Annotated[int, typer.Option(min=1, help="How many intervals, newest first.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Show how many data entry triggers came for the forms that people saved, by interval.

    An interval lies between two runs of reconcile_triggers. Made are items of the inbox that
    took the place of missed triggers, and those of imports, of which REDCap never tells.

    Example: capstan triggers coverage demo
    """
    from capstan.settings import load_settings
    from capstan.store.coverage import list_intervals
    from capstan.study import find_study
    from cli.stores import open_store_here
    from tasks.folders import study_folders

    find_study(study, folders=study_folders(load_settings()))  # a name that no study has is a mistake
    with open_store_here() as store:
        intervals = list_intervals(store, study, limit=limit)
    if as_json:
        print_json({"study": study, "intervals": [asdict(each) for each in intervals]})
        return
    heads = ("until (UTC)", *(_HEADS.get(name, name) for name in _COUNTS))
    table = plain_table(*heads, whole=heads)
    for each in intervals:
        counts = (_shown(getattr(each, name)) for name in _COUNTS)
        table.add_row(f"{each.ended_at:%Y-%m-%d %H:%M}", *counts)
    console.print(table if intervals else "No interval yet; `capstan run reconcile_triggers` makes one.")


def _shown(count: Any) -> str:
    return "?" if count is None else f"{count:,}"
