"""content=user, dag, userDagMapping (B.10, B.11)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.creation import save_member
from sandbox.errors import NO_GROUPS, ApiError
from sandbox.imports.payload import read_rows
from sandbox.model import Group
from sandbox.names import unique_group_name
from sandbox.render import Answer, plain, table
from sandbox.rights import FLAGS, Member, member_from
from sandbox.session import Session

GROUP_IDS_SINCE = (13, 1)
FORM_BITS_SINCE = (15, 6)
_SINCE = {"email_logging": (14, 4), "api_modules": (14, 0, 3)}
_ABOUT = (
    "username",
    "email",
    "firstname",
    "lastname",
    "expiration",
    "data_access_group",
    "data_access_group_id",
)


def all_members(session: Session) -> list[Member]:
    """Return the project's users in the order they were added."""
    members = session.store.people.members(session.project_id)
    return [member_from(name, body) for name, body in members.items()]


def export_users(session: Session) -> Answer:
    """List users with their rights."""
    session.member.require("user_rights")
    flags = [name for name in FLAGS if session.version >= _SINCE.get(name, ())]
    rows = [_user_row(session, member, flags=flags) for member in all_members(session)]
    names = (*_ABOUT, *flags, "forms", "forms_export")
    return table(names, rows, fmt=session.call.format, root="users")


def _user_row(session: Session, member: Member, *, flags: list[str]) -> list[Any]:
    about: list[Any] = [
        member.username,
        member.email,
        member.firstname,
        member.lastname,
        member.expiration,
        session.group_name(member.group_id),
        "" if member.group_id is None else member.group_id,
    ]
    forms = [form.name for form in session.project.forms]
    # From 15.6 form rights are bits on top of 128; 130 is view and edit.
    full = 130 if session.version >= FORM_BITS_SINCE else 1
    entry = {name: member.forms.get(name, full) for name in forms}
    export = {name: member.export_level(name) for name in forms}
    return [*about, *(member.flags.get(name, 0) for name in flags), *_nested(session, entry, export)]


def _nested(session: Session, *levels: dict[str, int]) -> list[Any]:
    if session.call.format == "csv":
        return [",".join(f"{name}:{level}" for name, level in one.items()) for one in levels]
    return list(levels)


def export_groups(session: Session) -> Answer:
    """List the access groups."""
    _require_groups(session)
    names = ["data_access_group_name", "unique_group_name", "data_access_group_id"]
    names = names if session.version >= GROUP_IDS_SINCE else names[:2]
    rows = [[one.name, one.unique_name, one.group_id][: len(names)] for one in session.project.groups]
    return table(names, rows, fmt=session.call.format, root="dags")


def import_groups(session: Session) -> Answer:
    """Create access groups, or rename those whose unique name is given."""
    _require_groups(session)
    rows = read_rows(session.call)
    groups = list(session.project.groups)
    for row in rows:
        label, unique = (
            row.get("data_access_group_name", "").strip(),
            row.get("unique_group_name", "").strip(),
        )
        taken = [one.unique_name for one in groups if one.unique_name != unique]
        place = next((index for index, one in enumerate(groups) if one.unique_name == unique), None)
        if not label or (unique and place is None):
            raise ApiError(f"The unique group name '{unique}' does not exist, or the group has no name.")
        if place is None:
            groups.append(Group(session.store.next_id(), label, unique_group_name(label, taken)))
        else:
            groups[place] = Group(groups[place].group_id, label, unique_group_name(label, taken))
    session.save(replace(session.project, groups=tuple(groups)))
    session.log_design("Import DAGs (API)")
    return plain(len(rows))


def delete_groups(session: Session) -> Answer:
    """Delete access groups by unique name; their records belong to none then."""
    _require_groups(session)
    names = session.call.names("dags")
    gone = {one.group_id for one in session.project.groups if one.unique_name in names}
    for record, group_id in session.store.groups.by_record(session.project_id).items():
        if group_id in gone:
            session.store.groups.assign(session.project_id, record, group_id=None)
    groups = tuple(one for one in session.project.groups if one.group_id not in gone)
    session.save(replace(session.project, groups=groups))
    session.log_design("Delete DAGs (API)")
    return plain(len(gone))


def export_group_members(session: Session) -> Answer:
    """List every user with their access group."""
    _require_groups(session)
    rows = [(one.username, session.group_name(one.group_id)) for one in all_members(session)]
    return table(("username", "redcap_data_access_group"), rows, fmt=session.call.format, root="items")


def import_group_members(session: Session) -> Answer:
    """Put users into access groups, or out of all with a blank."""
    _require_groups(session)
    rows = read_rows(session.call)
    members = {one.username: one for one in all_members(session)}
    ids: dict[str, int | None] = {one.unique_name: one.group_id for one in session.project.groups}
    ids[""] = None
    for row in rows:
        member, name = members.get(row.get("username", "")), row.get("redcap_data_access_group", "")
        if member is None or name not in ids:
            raise ApiError("Each row must name a user and an access group of the project.")
        save_member(session.store, session.project_id, member=replace(member, group_id=ids[name]))
    session.log_design("Import User-DAG assignments (API)")
    return plain(len(rows))


def _require_groups(session: Session) -> None:
    if not session.member.may("data_access_groups"):
        raise ApiError(NO_GROUPS)
