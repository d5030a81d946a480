"""From a request's content and action to its method, and from refusals to answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from sandbox.call import Call
from sandbox.clock import Clock
from sandbox.errors import BAD_CONTENT, DELETED, NO_ACCESS, PRODUCTION, ApiError
from sandbox.methods import (
    arms,
    dictionary,
    events,
    files,
    groups,
    log,
    mapping,
    pdf,
    projects,
    randomize,
    records,
    repeats,
    reports,
    repository,
    roles,
    surveys,
    users,
)
from sandbox.payload import read_object_or_rows
from sandbox.people.members import find_member
from sandbox.people.rights import EDIT_USERS
from sandbox.render import Answer, error_answer, plain
from sandbox.session import AfterImport, Session, read_version
from sandbox.setup.creation import check_attributes, create_project
from sandbox.storage import Store

SUPER_TOKEN = 64


class Method(NamedTuple):
    """What answers a content and action, and all the rights that it needs (B.0).

    `design` names what the method changes where REDCap allows that in Development status only.
    """

    work: Callable[[Session], Answer]
    rights: tuple[str, ...] = ()
    design: str = ""


_SURVEYS = ("api_export", "manage_survey_participants")
_DESIGN = ("api_import", "design")
_USERS, _EDIT_USERS = ("api_export", "user_rights"), ("api_import", EDIT_USERS)
# The recorded refusal names both rights of who lacks both (A.4), so the groups are judged first.
_GROUPS, _EDIT_GROUPS = ("data_access_groups", "api_export"), ("api_import", "data_access_groups")
_SHELF, _EDIT_SHELF = ("api_export", "file_repository"), ("api_import", "file_repository")
METHODS: dict[tuple[str, str], Method] = {
    ("record", "export"): Method(records.export_records, ("api_export",)),
    ("record", "import"): Method(records.import_records, ("api_import",)),
    ("record", "delete"): Method(records.delete, ("record_delete",)),
    ("record", "rename"): Method(records.rename, ("record_rename",)),
    ("generateNextRecordName", "export"): Method(records.next_name, ("api_export",)),
    ("metadata", "export"): Method(dictionary.export_metadata, ("api_export",)),
    ("metadata", "import"): Method(dictionary.import_metadata, _DESIGN, "metadata"),
    ("exportFieldNames", "export"): Method(dictionary.export_field_names, ("api_export",)),
    ("instrument", "export"): Method(dictionary.export_instruments, ("api_export",)),
    ("arm", "export"): Method(arms.export_arms, ("api_export",)),
    ("arm", "import"): Method(arms.import_arms, _DESIGN, "arms"),
    ("arm", "delete"): Method(arms.delete_arms, _DESIGN, "arms"),
    ("event", "export"): Method(events.export_events, ("api_export",)),
    ("event", "import"): Method(events.import_events, _DESIGN, "events"),
    ("event", "delete"): Method(events.delete_events, _DESIGN, "events"),
    ("formEventMapping", "export"): Method(mapping.export_mapping, ("api_export",)),
    ("formEventMapping", "import"): Method(mapping.import_mapping, _DESIGN, "form/event mappings"),
    ("repeatingFormsEvents", "export"): Method(repeats.export_repeats, ("api_export", "design")),
    ("repeatingFormsEvents", "import"): Method(repeats.import_repeats, _DESIGN),
    ("project", "export"): Method(projects.export_project, ("api_export",)),
    ("project_settings", "import"): Method(projects.import_settings, _DESIGN),
    ("project_xml", "export"): Method(projects.export_xml, ("api_export",)),
    ("user", "export"): Method(users.export_users, _USERS),
    ("user", "import"): Method(users.import_users, _EDIT_USERS),
    # Recorded: without the right to delete records nobody may delete users (A.4).
    ("user", "delete"): Method(users.delete_users, (*_EDIT_USERS, "record_delete")),
    ("userRole", "export"): Method(roles.export_roles, _USERS),
    ("userRole", "import"): Method(roles.import_roles, _EDIT_USERS),
    ("userRole", "delete"): Method(roles.delete_roles, _EDIT_USERS),
    ("userRoleMapping", "export"): Method(roles.export_role_members, _USERS),
    ("userRoleMapping", "import"): Method(roles.import_role_members, _EDIT_USERS),
    ("dag", "export"): Method(groups.export_groups, _GROUPS),
    ("dag", "import"): Method(groups.import_groups, _EDIT_GROUPS),
    ("dag", "delete"): Method(groups.delete_groups, _EDIT_GROUPS),
    ("dag", "switch"): Method(groups.switch_group, ("api_import",)),
    ("userDagMapping", "export"): Method(groups.export_group_members, _GROUPS),
    ("userDagMapping", "import"): Method(groups.import_group_members, _EDIT_GROUPS),
    ("file", "export"): Method(files.export_file, ("api_export",)),
    ("file", "import"): Method(files.import_file, ("api_import",)),
    ("file", "delete"): Method(files.delete_file, ("api_import",)),
    ("fileRepository", "list"): Method(repository.list_folder, _SHELF),
    ("fileRepository", "createFolder"): Method(repository.create_folder, _EDIT_SHELF),
    ("fileRepository", "export"): Method(repository.export_file, _SHELF),
    ("fileRepository", "import"): Method(repository.import_file, _EDIT_SHELF),
    ("fileRepository", "delete"): Method(repository.delete_file, _EDIT_SHELF),
    ("log", "export"): Method(log.export_log, ("api_export", "logging")),
    ("record", "randomize"): Method(randomize.randomize, ("random_perform",)),
    ("report", "export"): Method(reports.export_report, ("api_export",)),
    ("pdf", "export"): Method(pdf.export_pdf, ("api_export",)),
    ("surveyLink", "export"): Method(surveys.export_link, _SURVEYS),
    ("surveyAccessCode", "export"): Method(surveys.export_access_code, _SURVEYS),
    ("surveyReturnCode", "export"): Method(surveys.export_return_code, _SURVEYS),
    ("surveyQueueLink", "export"): Method(surveys.export_queue_link, _SURVEYS),
    ("participantList", "export"): Method(surveys.export_participants, _SURVEYS),
    ("version", "export"): Method(projects.export_version, ()),
}


class Redcap:
    """The API: one answer for one request; the caller holds the server's lock."""

    def __init__(self, store: Store, clock: Clock, *, version: str) -> None:
        self.store, self.clock, self.version = store, clock, read_version(version)
        self.after_import: AfterImport | None = None

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
        if method.design and session.project.in_production:
            raise ApiError(PRODUCTION.format(what=method.design), 403)
        return method.work(session)

    def _open(self, call: Call, token: str) -> Session:
        owner = self.store.projects.token_owner(token) if token else None
        if owner is None:
            raise ApiError(NO_ACCESS, 403)
        project_id, username = owner
        project = self.store.projects.get(project_id)
        if project is None:
            raise ApiError(DELETED)
        member, now = find_member(self.store, project_id, username=username), self.clock.now()
        if member is None or member.is_expired(now.date().isoformat()):
            raise ApiError(NO_ACCESS, 403)
        session = Session(self.store, project, member, call, now, self.version)
        return session if self.after_import is None else replace(session, after_import=self.after_import)

    def _answer_super(self, call: Call) -> Answer:
        if call.content == "version":
            return plain(".".join(str(part) for part in self.version))
        if call.content != "project" or call.verb != "import":
            raise ApiError(NO_ACCESS, 403)
        attributes = next(iter(read_object_or_rows(call)), {})
        check_attributes(attributes)
        created = create_project(self.store, attributes, odm=call.text("odm"), now=self.clock.stamp())
        return plain(created.token)
