"""The demo's data quality: mistakes that people typed into REDCap become queries."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import requests

from cli.showing import console, plain_table
from sandbox.server import Running

Step = Callable[..., dict[str, Any]]
_EVENT = "baseline_arm_1"
# What people typed past REDCap's warnings; the last is nothing that REDCap would know of.
_TYPED = (("3", "part_age", "44"), ("5", "part_mobile_number", "555"), ("8", "part_withdrawn", "1"))


def look_at_quality(step: Step, *, study: str, sandbox: Running) -> dict[str, int]:
    """Type some mistakes, look at all that REDCap holds, and show the queries; returns their counts."""
    for record, field, value in _TYPED:
        _type(sandbox, record, field=field, value=value)
    looked = step("13. Is what REDCap holds right? Mistakes of people become queries", "data_quality")
    _show_queries(study)
    return dict(looked["queries"])


def _type(sandbox: Running, record: str, *, field: str, value: str) -> None:
    path = f"{sandbox.control_url}projects/{os.environ['REDCAP_PROJECT_ID']}/cells"
    cell = {"record": record, "event": _EVENT, "field": field, "value": value}
    requests.post(path, json=cell, timeout=60).raise_for_status()


def _show_queries(study: str) -> None:
    """Print how many queries are open, by check; `capstan queries list` shows where."""
    from capstan.settings import load_settings
    from capstan.store.queries import list_queries
    from capstan.study import find_study, read_study
    from cli.stores import open_store_here
    from tasks.folders import study_folders
    from tasks.messages.queueing import room_of

    known = read_study(find_study(study, folders=study_folders(load_settings())))
    table = plain_table("query", "check", "field", "why", whole=("query", "check"))
    with open_store_here() as store:
        for query in list_queries(store, room_of(known)):
            table.add_row(str(query.id), query.check, query.field, query.reason)
    console.print(table)
