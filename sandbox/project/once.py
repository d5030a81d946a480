"""What is made of a project once and kept as long as the project itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from sandbox.project.model import Project

Made = TypeVar("Made")


def once_per_project(make: Callable[[Project], Made]) -> Callable[[Project], Made]:
    """Keep what a function makes of a project, like a `cached_property` that lives in a higher room.

    A project is never changed, only replaced by another one, which starts without anything kept.
    """

    name = make.__qualname__

    @wraps(make)
    def kept(project: Project) -> Made:
        # A project cannot be hashed, for its settings; where a `cached_property` is kept, this is kept too.
        found: dict[str, Made] = project.__dict__
        if name not in found:
            found[name] = make(project)
        return found[name]

    return kept
