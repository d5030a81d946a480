"""How a project comes into being: empty, or from project XML, with its first token."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lxml import etree

from sandbox.errors import BAD_FORMAT, PURPOSE_TEXT, ApiError
from sandbox.model import Arm, Event, Field, Form, Project
from sandbox.odm.read import Ids, read_project
from sandbox.odm.read_data import read_data
from sandbox.odm.text import parse
from sandbox.rights import Member
from sandbox.storage import Change, Store, StoredFile

OWNER = "site_admin"
_TAGS = {
    "purpose": "Purpose",
    "purpose_other": "PurposeOther",
    "project_notes": "ProjectNotes",
    "surveys_enabled": "SurveysEnabled",
    "record_autonumbering_enabled": "RecordAutonumberingEnabled",
}


@dataclass(frozen=True)
class Created:
    project: Project
    token: str


def create_project(store: Store, attributes: Mapping[str, str], *, odm: str = "", now: str) -> Created:
    """Make a project and a token with full rights; raises `ApiError` for what REDCap refuses."""
    if attributes.get("purpose") == "1" and not attributes.get("purpose_other"):
        raise ApiError(PURPOSE_TEXT)
    ids = Ids(store.next_id(), store.next_id)
    root = _parse(odm) if odm else None
    project = _empty(ids) if root is None else _structure(root, ids)
    settings = dict(project.settings)
    settings |= {tag: attributes[name] for name, tag in _TAGS.items() if attributes.get(name, "") != ""}
    project = replace(
        project,
        title=attributes.get("project_title") or project.title,
        settings=settings,
        created=now,
        longitudinal=project.longitudinal or attributes.get("is_longitudinal") == "1",
    )
    store.projects.save(project)
    if root is not None:
        _store_data(store, project, root=root)
    return Created(project, add_token(store, project, member=Member(OWNER)))


def add_token(store: Store, project: Project, *, member: Member) -> str:
    """Make a user of the project and a token for them."""
    token = secrets.token_hex(16).upper()
    save_member(store, project.project_id, member=member)
    store.projects.add_token(token, project.project_id, username=member.username)
    return token


def save_member(store: Store, project_id: int, *, member: Member) -> None:
    """Keep a member's rights."""
    body: dict[str, Any] = asdict(member)
    store.people.save(project_id, body.pop("username"), body=body)


def _parse(odm: str) -> etree._Element:
    try:
        return parse(odm)
    except ValueError as error:
        raise ApiError(BAD_FORMAT) from error


def _structure(root: etree._Element, ids: Ids) -> Project:
    try:
        return read_project(root, ids)
    except ValueError as error:
        raise ApiError(BAD_FORMAT) from error


def _empty(ids: Ids) -> Project:
    form = Form("form_1", "Form 1")
    return Project(
        project_id=ids.project_id,
        title="",
        longitudinal=False,
        arms=(Arm(1, "Arm 1"),),
        events=(Event(ids.take(), "Event 1", 1, "event_1_arm_1", forms=(form.name,)),),
        forms=(form,),
        fields=(Field("record_id", form.name, field_label="Record ID"),),
        settings={"RecordAutonumberingEnabled": "1"},
    )


def _store_data(store: Store, project: Project, *, root: etree._Element) -> None:
    found = read_data(root, project)
    store.values.apply(project.project_id, (Change(*item, value) for item, value in found.values.items()))
    store.values.set_surveys(project.project_id, found.pseudo)
    for key, name, file_name, mime, content in found.files:
        doc_id = store.files.add(project.project_id, StoredFile(file_name, mime, content))
        store.values.apply(project.project_id, [Change(key, name, "", str(doc_id))])
    groups = {group.unique_name: group.group_id for group in project.groups}
    for record, name in found.groups.items():
        if name in groups:
            store.groups.assign(project.project_id, record, group_id=groups[name])
