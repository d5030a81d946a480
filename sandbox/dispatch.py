"""From a request's content and action to its method, and from refusals to answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sandbox.call import Call
from sandbox.clock import Clock
from sandbox.creation import create_project
from sandbox.errors import BAD_CONTENT, DELETED, NO_ACCESS, ApiError
from sandbox.imports.payload import read_object_or_rows
from sandbox.methods import dictionary, events, log, people, projects, records
from sandbox.render import Answer, error_answer, plain
from sandbox.rights import Member, member_from
from sandbox.session import Session, read_version
from sandbox.storage import Store

SUPER_TOKEN = 64


class Method(NamedTuple):
    """What answers a content and action, and all the rights that it needs (B.0)."""

    work: Callable[[Session], Answer]
    rights: tuple[str, ...] = ()


METHODS: dict[tuple[str, str], Method] = {
    ("record", "export"): Method(records.export, ("api_export",)),
    ("record", "import"): Method(records.import_records, ("api_import",)),
    ("record", "delete"): Method(records.delete, ("record_delete",)),
    ("record", "rename"): Method(records.rename, ("record_rename",)),
    ("generateNextRecordName", "export"): Method(records.next_name, ("api_export",)),
    ("metadata", "export"): Method(dictionary.export_metadata, ("api_export",)),
    ("metadata", "import"): Method(dictionary.import_metadata, ("api_import",)),
    ("exportFieldNames", "export"): Method(dictionary.export_field_names, ("api_export",)),
    ("instrument", "export"): Method(dictionary.export_instruments, ("api_export",)),
    ("arm", "export"): Method(events.export_arms, ("api_export",)),
    ("arm", "import"): Method(events.import_arms, ("api_import",)),
    ("arm", "delete"): Method(events.delete_arms, ("api_import",)),
    ("event", "export"): Method(events.export_events, ("api_export",)),
    ("event", "import"): Method(events.import_events, ("api_import",)),
    ("event", "delete"): Method(events.delete_events, ("api_import",)),
    ("formEventMapping", "export"): Method(events.export_mapping, ("api_export",)),
    ("formEventMapping", "import"): Method(events.import_mapping, ("api_import",)),
    ("repeatingFormsEvents", "export"): Method(events.export_repeats, ("api_export",)),
    ("repeatingFormsEvents", "import"): Method(events.import_repeats, ("api_import",)),
    ("project", "export"): Method(projects.export_project, ("api_export",)),
    ("project_settings", "import"): Method(projects.import_settings, ("api_import",)),
    ("project_xml", "export"): Method(projects.export_xml, ("api_export",)),
    ("user", "export"): Method(people.export_users, ("api_export",)),
    ("dag", "export"): Method(people.export_groups, ("api_export",)),
    ("dag", "import"): Method(people.import_groups, ("api_import",)),
    ("dag", "delete"): Method(people.delete_groups, ("api_import",)),
    ("userDagMapping", "export"): Method(people.export_group_members, ("api_export",)),
    ("userDagMapping", "import"): Method(people.import_group_members, ("api_import",)),
    ("log", "export"): Method(log.export_log, ("api_export",)),
    ("version", "export"): Method(projects.export_version, ()),
}


class Redcap:
    """The API: one answer for one request; the caller holds the server's lock."""

    def __init__(self, store: Store, clock: Clock, *, version: str) -> None:
        self.store, self.clock, self.version = store, clock, read_version(version)

    def answer(self, call: Call) -> Answer:
        """Answer a request; whatever it was refused for has changed nothing."""
        try:
            with self.store.transaction():
                return self._answer(call)
        except ApiError as error:
            return error_answer(error.message, call.answer_format, status=error.status)

    def _answer(self, call: Call) -> Answer:
        token = call.text("token").strip()
        if len(token) == SUPER_TOKEN and token == self.store.projects.super_token():
            return self._answer_super(call)
        session = self._open(call, token)
        method = METHODS.get((call.content, call.verb))
        if method is None:
            raise ApiError(BAD_CONTENT)
        for right in method.rights:
            session.member.require(right)
        return method.work(session)

    def _open(self, call: Call, token: str) -> Session:
        owner = self.store.projects.token_owner(token) if token else None
        if owner is None:
            raise ApiError(NO_ACCESS, 403)
        project_id, username = owner
        project = self.store.projects.get(project_id)
        if project is None:
            raise ApiError(DELETED)
        body = self.store.people.members(project_id).get(username)
        if body is None:
            raise ApiError(NO_ACCESS, 403)
        return Session(self.store, project, member_from(username, body), call, self.clock.now(), self.version)

    def _answer_super(self, call: Call) -> Answer:
        if call.content == "version":
            return plain(".".join(str(part) for part in self.version))
        if call.content != "project" or call.verb != "import":
            raise ApiError(NO_ACCESS, 403)
        rows = read_object_or_rows(call)
        created = create_project(
            self.store, rows[0] if rows else {}, odm=call.text("odm"), now=self.clock.stamp()
        )
        return plain(created.token)


def member_with(username: str, rights: dict[str, int]) -> Member:
    """Make a member who has all rights but those that are given otherwise."""
    return member_from(username, {"flags": rights})
