"""content=user (B.11)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

from sandbox.errors import ApiError
from sandbox.payload import Row, read_rows
from sandbox.people.members import load_members, load_roles, save_member, with_role
from sandbox.people.privileges import Dialect, no_rights, read_cells, to_cells
from sandbox.people.rights import Member
from sandbox.render import Answer, plain, table
from sandbox.session import Session

GROUP_LABELS_SINCE = (16,)
_USERNAME = re.compile(r"[A-Za-z0-9_.@'+-]{1,255}")
_ABOUT = ("email", "firstname", "lastname")


def export_users(session: Session) -> Answer:
    """List users with their rights, or with those of their roles."""
    roles = load_roles(session.store, session.project_id)
    users = [with_role(one, roles) for one in load_members(session.store, session.project_id)]
    rows = [_user_row(session, one) for one in users]
    return table(list(rows[0]), [list(row.values()) for row in rows], fmt=session.call.format, root="users")


def _user_row(session: Session, member: Member) -> dict[str, Any]:
    row: dict[str, Any] = {
        "username": member.username,
        "email": member.email,
        "firstname": member.firstname,
        "lastname": member.lastname,
        "expiration": member.expiration,
        "data_access_group": session.group_name(member.group_id),
        "data_access_group_id": "" if member.group_id is None else member.group_id,
    }
    if session.version >= GROUP_LABELS_SINCE:
        labels = {group.group_id: group.name for group in session.project.groups}
        row["data_access_group_label"] = labels.get(member.group_id or 0, "")
    return row | to_cells(member.rights, dialect_of(session))


def dialect_of(session: Session) -> Dialect:
    """Return how the request wants rights spelled."""
    return Dialect(session.project, session.version, session.call.format)


def import_users(session: Session) -> Answer:
    """Add users or change their rights; a row without data_access_group takes the user out of theirs."""
    rows = read_rows(session.call)
    # Names are the same in capitals and small letters, and stay as they were first spelled.
    known = {one.username.lower(): one for one in load_members(session.store, session.project_id)}
    problems: list[str] = []
    for row in rows:
        name = row.get("username", "").strip()
        before = known.get(name.lower())
        member, found = _read_user(session, row, before=before or _new_user(session, name))
        problems += found
        known[name.lower()] = member
        save_member(session.store, session.project_id, member=member)
        _log_user(session, "Add" if before is None else "Edit", name=member.username)
    if problems:
        raise ApiError("\n".join(problems))
    return plain(len(rows))


def _new_user(session: Session, name: str) -> Member:
    return Member(name, no_rights(session.project))


def _read_user(session: Session, row: Row, *, before: Member) -> tuple[Member, list[str]]:
    name = before.username
    rights, problems = read_cells(row, before.rights, dialect=dialect_of(session), whose=f'user "{name}"')
    # None of the texts was recorded (J.1).
    if not _USERNAME.fullmatch(name):
        problems.append(f'The username "{name}" is blank or has illegal characters')
    expiration = row.get("expiration", before.expiration).strip()
    if expiration and not _is_date(expiration):
        problems.append(f'The expiration "{expiration}" of the user "{name}" must be a date as YYYY-MM-DD')
    ids: dict[str, int | None] = {one.unique_name: one.group_id for one in session.project.groups}
    group = row.get("data_access_group", "").strip()
    if group and group not in ids:
        problems.append(f'The data access group "{group}" of the user "{name}" does not exist')
    about = {column: row.get(column, getattr(before, column)) for column in _ABOUT}
    member = replace(before, rights=rights, group_id=ids.get(group), expiration=expiration, **about)
    return member, problems


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def delete_users(session: Session) -> Answer:
    """Take users out of the project; answers how many."""
    names = dict.fromkeys(session.call.names("users"))
    known = {one.username.lower(): one.username for one in load_members(session.store, session.project_id)}
    unknown = [name for name in names if name.lower() not in known]
    if unknown or not names:
        # Not recorded (J.1).
        raise ApiError(f"The following users do not exist in the project: {', '.join(unknown)}")
    for name in names:
        session.store.people.delete(session.project_id, known[name.lower()])
        _log_user(session, "Delete", name=known[name.lower()])
    return plain(len(names))


def _log_user(session: Session, verb: str, *, name: str) -> None:
    session.log("user", f"{verb} user {name}", details=f"user = '{name}'")
