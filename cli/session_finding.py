"""What the commands of sessions have in common: the study's file, and the session that a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from capstan.store import Session, Store
    from capstan.study import Study

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="The name of the study.")]
Label = Annotated[str, typer.Argument(metavar="SESSION", help="A session id, as people write it.")]


def read_study_file(name: str) -> Study:
    """The study's file alone, so that people can decide when REDCap does not answer."""
    from capstan.settings import load_settings
    from capstan.study import find_study, read_study
    from tasks.folders import study_folders

    return read_study(find_study(name, folders=study_folders(load_settings())))


def find_named(store: Store, study: Study, text: str) -> Session:
    """The session that a person means, by its name here or by any way to write its id."""
    from capstan.errors import UsageError
    from capstan.sessions import BadId
    from capstan.store import SessionKey, find_session
    from tasks.sessions import name_session

    found = find_session(store, study.study, text.strip())
    named = name_session(study, text)
    if found is None and not isinstance(named, BadId):
        found = find_session(store, study.study, str(SessionKey(study.study, named.name, named.number)))
    if found is None:
        why = f" {named.reason}" if isinstance(named, BadId) else ""
        raise UsageError(f"There is no such session; `capstan sessions list {study.study}` has all.{why}")
    return found
