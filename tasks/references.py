"""References: names for participants that say nothing of them, because Prefect keeps parameters."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from capstan.errors import UsageError
from capstan.settings import load_settings
from capstan.study import find_study, read_study
from tasks.folders import study_folders

if TYPE_CHECKING:
    from capstan.store import Store
    from tasks.connections import LiveProject

# No vowels, and nothing that is read as another letter: no name and no record id looks like a reference.
_LETTERS = "bcdfghjkmnpqrstvwxz"
_GROUP = f"[{_LETTERS}]{{4}}"
REFERENCE = f"^({_GROUP}-{_GROUP}-{_GROUP})?$"
"""What a reference looks like, or blank; as a pattern of JSON Schema."""


def reference_of(store: Store, *, project: tuple[str, int], record: str) -> str:
    """Name a record of a project (host and id): the same record has the same name, in this store alone.

    It cannot be recomputed without the store's keys. Ids that differ in their case only are one for REDCap.
    """
    text = json.dumps(["participant", *project, record.strip().casefold()])
    number = int(store.keys.fingerprint(text), 16)
    groups = []
    for _ in range(3):
        number, rest = divmod(number, len(_LETTERS) ** 4)
        groups.append(_spelled(rest))
    return "-".join(groups)


def references_of(study: str, *, records: Collection[str]) -> dict[str, str]:
    """The references of records of a study's project, by record; nobody is asked whether they exist.

    Raises StudyError for the study file.
    """
    from tasks.connections import open_store

    settings = load_settings()
    found = read_study(find_study(study, folders=study_folders(settings)))
    project = urlsplit(found.redcap.url).hostname or "", found.redcap.project.id
    with open_store(settings) as store:
        return {one: reference_of(store, project=project, record=one) for one in records}


def records_of(study: str, *, references: Collection[str]) -> dict[str, str]:
    """The records that references name, by reference; REDCap is asked for all ids.

    Raises UsageError for a reference that names none of them, and what `open_project` raises.
    """
    from tasks.connections import open_project
    from tasks.redcap import list_records

    live = open_project(study, check_rules=False, dry_run=True)
    try:
        known = list_records(live)
        return {one: record_of(live, one, records=known) for one in references}
    finally:
        live.close()


def record_of(live: LiveProject, reference: str, *, records: Iterable[str]) -> str:
    """The record that a reference names; raises UsageError where it names none of them."""
    project = live.project
    found = [one for one in records if reference_of(live.store, project=project, record=one) == reference]
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"No participant of study {live.study.study} has the reference {reference}. `capstan records "
        "reference` gives the one of a record; it holds for one project, and for one store."
    )


def _spelled(number: int) -> str:
    letters = []
    for _ in range(4):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(letters)
