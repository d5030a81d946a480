"""content=userRole, userRoleMapping (B.12)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.errors import ApiError
from sandbox.methods.users import dialect_of
from sandbox.payload import read_rows
from sandbox.people.members import load_members, load_roles, new_role_name, save_member, save_role
from sandbox.people.privileges import no_rights, read_cells, to_cells
from sandbox.people.rights import Role
from sandbox.render import Answer, plain, table
from sandbox.session import Session

ASSIGNMENT_GROUPS_SINCE = (15, 8, 2)
# Recordings of roles have these two the other way round than those of users, and flags as text.
_SWAPPED = {
    "lock_records_all_forms": "lock_records_customization",
    "lock_records_customization": "lock_records_all_forms",
}


def export_roles(session: Session) -> Answer:
    """List user roles with their rights."""
    roles = load_roles(session.store, session.project_id).values()
    rows = [_role_row(session, role) for role in roles]
    names = list(_role_row(session, Role(0, "", "")))
    return table(names, [list(row.values()) for row in rows], fmt=session.call.format, root="users")


def _role_row(session: Session, role: Role) -> dict[str, Any]:
    cells = to_cells(role.rights, dialect_of(session))
    row = {name: cells[name] for name in (_SWAPPED.get(name, name) for name in cells)}
    flags = {name: str(cell) if isinstance(cell, int) else cell for name, cell in row.items()}
    return {"unique_role_name": role.unique_name, "role_label": role.label, **flags}


def import_roles(session: Session) -> Answer:
    """Make roles, or change those whose unique name is given."""
    rows = read_rows(session.call)
    known = load_roles(session.store, session.project_id)
    problems: list[str] = []
    strangers: list[str] = []
    for row in rows:
        name = row.get("unique_role_name", "").strip()
        role = known.get(name)
        if name and role is None:
            strangers.append(name)
        before = role or Role(0, name or new_role_name(known), "", no_rights(session.project))
        whose = f'user role "{before.unique_name}"'
        rights, found = read_cells(row, before.rights, dialect=dialect_of(session), whose=whose)
        label = row.get("role_label", "").strip() or before.label
        # Not recorded (J.1).
        problems += found if label else [*found, f"The {whose} must have a role_label"]
        known[before.unique_name] = replace(before, label=label, rights=rights)
        save_role(session.store, session.project_id, role=known[before.unique_name])
        _log_role(session, "Add" if role is None else "Edit", label=label)
    if strangers:
        problems.append(f"Invalid Unique Role Names: {', '.join(strangers)}")
    if problems:
        raise ApiError("\n".join(problems))
    return plain(len(rows))


def delete_roles(session: Session) -> Answer:
    """Delete roles by unique name; their users are left with rights of their own."""
    names = dict.fromkeys(session.call.names("roles"))
    known = load_roles(session.store, session.project_id)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ApiError(f"Invalid Unique Role Names: {', '.join(unknown)}")
    for name in names:
        session.store.people.delete_role(session.project_id, name)
        _log_role(session, "Delete", label=known[name].label)
    for member in load_members(session.store, session.project_id):
        if member.role in names:
            save_member(session.store, session.project_id, member=replace(member, role=""))
    return plain(len(names))


def export_role_members(session: Session) -> Answer:
    """List every user with their role."""
    names = ["username", "unique_role_name", "data_access_group"]
    names = names if session.version >= ASSIGNMENT_GROUPS_SINCE else names[:2]
    rows = [
        [one.username, one.role, session.group_name(one.group_id)][: len(names)]
        for one in load_members(session.store, session.project_id)
    ]
    return table(names, rows, fmt=session.call.format, root="items")


def import_role_members(session: Session) -> Answer:
    """Put users into roles, or out of all with a blank; a data_access_group that is given is set, too."""
    rows = read_rows(session.call)
    members = {one.username.lower(): one for one in load_members(session.store, session.project_id)}
    roles = load_roles(session.store, session.project_id)
    ids: dict[str, int | None] = {one.unique_name: one.group_id for one in session.project.groups}
    ids[""] = None
    for row in rows:
        name, role = row.get("username", "").strip(), row.get("unique_role_name", "").strip()
        member, group = members.get(name.lower()), row.get("data_access_group", "").strip()
        if role and role not in roles:
            raise ApiError(f"Invalid Unique Role Names: {role}")
        # Not recorded (J.1).
        if member is None or group not in ids:
            raise ApiError("Each row must name a user of the project, and an access group of it or none.")
        group_id = ids[group] if "data_access_group" in row else member.group_id
        members[name.lower()] = replace(member, role=role, group_id=group_id)
        save_member(session.store, session.project_id, member=members[name.lower()])
    session.log_design("Import User-Role assignments (API)")
    return plain(len(rows))


def _log_role(session: Session, verb: str, *, label: str) -> None:
    session.log("user", f"{verb} role {label}", details=f"role = '{label}'")
