"""Seen places: which content of a form was worked, so that reconciliation can tell what was not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from capstan.store.seen_places import Project, content_mark, remember_places
from capstan.study import Study
from capstan.triggers import Place
from capstan.triggers.content import Contents
from tasks.connections import LiveProject


def project_of(live: LiveProject) -> Project:
    """Whose forms are remembered: a study that moves to another project starts anew."""
    host, number = live.project
    return Project(live.study.study, f"{host}/{number}")


def project_named(study: Study) -> Project:
    """The same of a study whose project is not open."""
    host = urlsplit(study.redcap.url).hostname or ""
    return Project(study.study, f"{host}/{study.redcap.project.id}")


def contents_of(live: LiveProject) -> Contents:
    """What reads the content of forms out of the project's exports."""
    return Contents(live.study, live.dictionary, live.grid)


def remember_seen(live: LiveProject, *, place: Place, row: Mapping[str, str] | None, now: datetime) -> None:
    """Remember the content of a form that was worked, whatever came of it; `row` is what was exported of it.

    A form that is not there any more, or that no rule names, leaves nothing to remember.
    """
    contents = contents_of(live)
    if row is None or place.instrument not in contents.instruments:
        return
    mark = content_mark(live.store, contents.of(row, place.instrument))
    remember_places(live.store, project_of(live), places=[(place, mark)], now=now)
