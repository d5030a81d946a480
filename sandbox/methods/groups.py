"""content=dag, userDagMapping (B.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sandbox.errors import ApiError
from sandbox.payload import Row, read_rows
from sandbox.people.members import load_members
from sandbox.project.model import Project
from sandbox.project.names import unique_group_name
from sandbox.project.parts import Group
from sandbox.render import Answer, plain, table
from sandbox.session import Session
from sandbox.storage import Store

GROUP_IDS_SINCE = (13, 1)
_NO_GROUP = 0
# None of these texts was recorded (J.1).
_BAD_GROUP = "The unique group name '{}' does not exist, or the group has no name."
_UNKNOWN = "The following unique group names do not exist in the project: {}"
_NO_SWITCH = "You may not switch to that Data Access Group, because you have not been assigned to it."
_BAD_ASSIGNMENT = "Each row must name a user and an access group of the project."


def export_groups(session: Session) -> Answer:
    """List the access groups."""
    names = ["data_access_group_name", "unique_group_name", "data_access_group_id"]
    names = names if session.version >= GROUP_IDS_SINCE else names[:2]
    rows = [[one.name, one.unique_name, one.group_id][: len(names)] for one in session.project.groups]
    return table(names, rows, fmt=session.call.format, root="dags")


def import_groups(session: Session) -> Answer:
    """Create access groups, or rename those whose unique name is given."""
    rows = read_rows(session.call)
    groups = list(session.project.groups)
    for row in rows:
        _put_group(session, groups, row=row)
    session.save(replace(session.project, groups=tuple(groups)))
    session.log_design("Import DAGs (API)")
    return plain(len(rows))


def _put_group(session: Session, groups: list[Group], *, row: Row) -> None:
    label, unique = row.get("data_access_group_name", "").strip(), row.get("unique_group_name", "").strip()
    place = next((index for index, one in enumerate(groups) if one.unique_name == unique), None)
    if not label or (unique and place is None):
        raise ApiError(_BAD_GROUP.format(unique))
    taken = {one.unique_name for one in groups if one.unique_name != unique}
    group_id = session.store.next_id() if place is None else groups[place].group_id
    group = Group(group_id, label, unique_group_name(label, taken))
    if place is None:
        groups.append(group)
    else:
        groups[place] = group


def delete_groups(session: Session) -> Answer:
    """Delete access groups by unique name; their records and users belong to none then."""
    names = session.call.names("dags")
    ids = {one.unique_name: one.group_id for one in session.project.groups}
    unknown = [name for name in names if name not in ids]
    if unknown or not names:
        raise ApiError(_UNKNOWN.format(", ".join(unknown)))
    gone = {ids[name] for name in names}
    for group_id in gone:
        session.store.groups.forget_group(session.project_id, group_id)
        session.store.people.forget_group(session.project_id, group_id)
    groups = tuple(one for one in session.project.groups if one.group_id not in gone)
    session.save(replace(session.project, groups=groups))
    session.log_design("Delete DAGs (API)")
    return plain(len(gone))


def switch_group(session: Session) -> Answer:
    """Move the token's user to another of the access groups that they are assigned to, or to none."""
    name = session.call.text("dag").strip()
    group_id = next((one.group_id for one in session.project.groups if one.unique_name == name), _NO_GROUP)
    if name and not group_id:
        raise ApiError(_UNKNOWN.format(name))
    choices = session.store.people.group_choices(session.project_id, session.member.username)
    # Who manages the groups needs no assignment. Not recorded (J.1).
    is_allowed = group_id in choices if choices else session.member.may("data_access_groups")
    if not is_allowed:
        raise ApiError(_NO_SWITCH)
    session.store.people.set_group(session.project_id, session.member.username, group_id=group_id or None)
    session.log_design("Switch DAG (API)")
    return plain(1)


def assign_groups(store: Store, project: Project, *, username: str, groups: Sequence[str]) -> None:
    """Let a user switch between groups, by unique names with '' for none, as on REDCap's page for that.

    Raises `ApiError` for a name that the project does not have.
    """
    if store.people.get(project.project_id, username) is None:
        raise ApiError(_BAD_ASSIGNMENT)
    ids = {"": _NO_GROUP} | {one.unique_name: one.group_id for one in project.groups}
    unknown = [name for name in groups if name not in ids]
    if unknown:
        raise ApiError(_UNKNOWN.format(", ".join(unknown)))
    store.people.set_group_choices(project.project_id, username, group_ids={ids[name] for name in groups})


def export_group_members(session: Session) -> Answer:
    """List every user with their access group."""
    members = load_members(session.store, session.project_id)
    rows = [(one.username, session.group_name(one.group_id)) for one in members]
    return table(("username", "redcap_data_access_group"), rows, fmt=session.call.format, root="items")


def import_group_members(session: Session) -> Answer:
    """Put users into access groups, or out of all with a blank."""
    rows = read_rows(session.call)
    names = {one.username.lower(): one.username for one in load_members(session.store, session.project_id)}
    ids: dict[str, int | None] = {one.unique_name: one.group_id for one in session.project.groups}
    ids[""] = None
    for row in rows:
        name = names.get(row.get("username", "").strip().lower())
        group = row.get("redcap_data_access_group", "").strip()
        if name is None or group not in ids:
            raise ApiError(_BAD_ASSIGNMENT)
        session.store.people.set_group(session.project_id, name, group_id=ids[group])
    session.log_design("Import User-DAG assignments (API)")
    return plain(len(rows))
