"""Timetables: the deployments of studies, as their study files and the default times give them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from capstan.errors import StudyError
from capstan.settings import load_settings
from capstan.study import Study, find_study, read_study
from capstan.timetable.deployments import Deployment, deployments_of
from tasks.folders import study_folders


class Timetable(NamedTuple):
    """The deployments of the studies that could be read, and what is wrong with the others."""

    studies: tuple[Study, ...]
    deployments: tuple[Deployment, ...]
    faults: tuple[str, ...]


def read_timetable(names: Collection[str] = ()) -> Timetable:
    """The deployments of some studies, or of all that are found."""
    folders = study_folders(load_settings())
    studies, faults = [], []
    for name in names or _found(folders):
        try:
            studies.append(read_study(find_study(name, folders=folders), environment=_Environment()))
        except StudyError as error:
            faults.append(str(error))
    deployments = tuple(one for study in studies for one in deployments_of(study))
    return Timetable(tuple(studies), deployments, tuple(faults))


class _Environment(dict[str, str]):
    """The environment, in which every further variable is "1": times do not follow from addresses."""

    def __init__(self) -> None:
        super().__init__(os.environ)

    def __contains__(self, _name: object) -> bool:
        return True

    def __missing__(self, _name: str) -> str:
        return "1"


def _found(folders: Collection[Path]) -> Iterator[str]:
    """The names of all studies, each once."""
    yield from sorted({file.parent.name for folder in folders for file in folder.glob("*/study.yaml")})
