"""What a method gets to work with: one request, by one user, in one project."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.call import Call
from sandbox.clock import STAMP
from sandbox.people.rights import Member
from sandbox.project.model import Project
from sandbox.project.parts import RowKey
from sandbox.storage import LogRow, Store

_VERSION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){1,2}")


AfterImport = Callable[["Session", Mapping[RowKey, Mapping[str, str]]], object]


def _do_nothing(*_: object) -> None:
    return None


@dataclass(frozen=True)
class Session:
    """One authorised request; `now` is the sandbox's clock at its start.

    `source` is what the log calls the way in, '' for a form; `after_import` is told what an import changed.
    """

    store: Store
    project: Project
    member: Member
    call: Call
    now: datetime
    version: tuple[int, ...]
    source: str = "API"
    after_import: AfterImport = field(default=_do_nothing, repr=False)

    @property
    def project_id(self) -> int:
        return self.project.project_id

    @property
    def stamp(self) -> str:
        """Now, as the log and survey timestamps spell it."""
        return self.now.strftime(STAMP)

    def save(self, project: Project) -> None:
        self.store.projects.save(project)

    def log(self, kind: str, action: str, *, details: str, record: str = "") -> None:
        """Write one row of the project's log."""
        row = LogRow(self.stamp, self.member.username, kind, action, details, record)
        self.store.log.add(self.project_id, [row])

    def log_design(self, details: str) -> None:
        self.log("manage", "Manage/Design ", details=details)

    def group_name(self, group_id: int | None) -> str:
        """Return an access group's unique name, or ''."""
        names = {group.group_id: group.unique_name for group in self.project.groups}
        return names.get(group_id, "") if group_id is not None else ""


def read_version(text: str) -> tuple[int, ...]:
    """Read `15.2.1` as (15, 2, 1); raises ValueError for what is no version."""
    if not _VERSION.fullmatch(text):
        raise ValueError("A version is three numbers like 15.2.1.")
    return tuple(int(part) for part in text.split("."))
