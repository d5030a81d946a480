"""From a request's content and action to its method, and from refusals to answers."""

from __future__ import annotations

from collections.abc import Callable

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

Method = Callable[[Session], Answer]
SUPER_TOKEN = 64
# The right that a verb needs; reading a version or a next name needs the token alone (B.0).
_RIGHTS = {"export": "api_export", "import": "api_import"}
_ADDED_RIGHTS = {
    ("record", "delete"): "record_delete",
    ("record", "rename"): "record_rename",
    ("arm", "delete"): "api_import",
    ("event", "delete"): "api_import",
    ("dag", "delete"): "api_import",
}
METHODS: dict[tuple[str, str], Method] = {
    ("record", "export"): records.export,
    ("record", "import"): records.import_records,
    ("record", "delete"): records.delete,
    ("record", "rename"): records.rename,
    ("generateNextRecordName", "export"): records.next_name,
    ("metadata", "export"): dictionary.export_metadata,
    ("metadata", "import"): dictionary.import_metadata,
    ("exportFieldNames", "export"): dictionary.export_field_names,
    ("instrument", "export"): dictionary.export_instruments,
    ("arm", "export"): events.export_arms,
    ("arm", "import"): events.import_arms,
    ("arm", "delete"): events.delete_arms,
    ("event", "export"): events.export_events,
    ("event", "import"): events.import_events,
    ("event", "delete"): events.delete_events,
    ("formEventMapping", "export"): events.export_mapping,
    ("formEventMapping", "import"): events.import_mapping,
    ("repeatingFormsEvents", "export"): events.export_repeats,
    ("repeatingFormsEvents", "import"): events.import_repeats,
    ("project", "export"): projects.export_project,
    ("project_settings", "import"): projects.import_settings,
    ("project_xml", "export"): projects.export_xml,
    ("user", "export"): people.export_users,
    ("dag", "export"): people.export_groups,
    ("dag", "import"): people.import_groups,
    ("dag", "delete"): people.delete_groups,
    ("userDagMapping", "export"): people.export_group_members,
    ("userDagMapping", "import"): people.import_group_members,
    ("log", "export"): log.export_log,
    ("version", "export"): projects.export_version,
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
        if len(token) == SUPER_TOKEN and token == self.store.super_token():
            return self._answer_super(call)
        session = self._open(call, token)
        method = METHODS.get((call.content, call.verb))
        if method is None:
            raise ApiError(BAD_CONTENT)
        if call.content != "version":
            right = _ADDED_RIGHTS.get((call.content, call.verb)) or _RIGHTS[call.verb]
            session.member.require(right)
        return method(session)

    def _open(self, call: Call, token: str) -> Session:
        owner = self.store.token_owner(token) if token else None
        if owner is None:
            raise ApiError(NO_ACCESS, 403)
        project_id, username = owner
        project = self.store.project(project_id)
        if project is None:
            raise ApiError(DELETED)
        body = self.store.members(project_id).get(username)
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
