"""Users and roles of a project between the store and its methods."""

from __future__ import annotations

import secrets
import string
from collections.abc import Collection
from dataclasses import asdict, replace

from sandbox.people.rights import Member, Role, member_from, rights_from
from sandbox.storage import Store

_LETTERS = string.ascii_uppercase + string.digits


def load_members(store: Store, project_id: int) -> list[Member]:
    """Return the users by name, with rights of their own."""
    bodies = store.people.members(project_id)
    return [member_from(name, bodies[name]) for name in sorted(bodies, key=str.casefold)]


def find_member(store: Store, project_id: int, *, username: str) -> Member | None:
    """Return a user with the rights that count: the role's, where there is one."""
    body = store.people.get(project_id, username)
    if body is None:
        return None
    return with_role(member_from(username, body), load_roles(store, project_id))


def with_role(member: Member, roles: dict[str, Role]) -> Member:
    """Give a user the rights of their role."""
    role = roles.get(member.role)
    return member if role is None else replace(member, rights=role.rights)


def load_roles(store: Store, project_id: int) -> dict[str, Role]:
    """Return the roles by unique name, in the order they were made."""
    return {
        row.unique_name: Role(row.role_id, row.unique_name, row.label, rights_from(row.body))
        for row in store.people.roles(project_id)
    }


def new_role_name(taken: Collection[str]) -> str:
    """Return a unique role name that no role of the project has."""
    name = "U-" + "".join(secrets.choice(_LETTERS) for _ in range(10))
    return name if name not in taken else new_role_name(taken)


def save_member(store: Store, project_id: int, *, member: Member) -> None:
    """Keep a user; never one that wears the rights of a role."""
    body = asdict(member)
    body |= body.pop("rights")
    store.people.save(project_id, body.pop("username"), body=body)


def save_role(store: Store, project_id: int, *, role: Role) -> None:
    """Keep a role; it gets its number when it is new."""
    store.people.save_role(project_id, role.unique_name, label=role.label, body=asdict(role.rights))
