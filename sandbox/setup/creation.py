"""How a project comes into being: empty, or from project XML, with its first token."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import BinaryIO

from lxml import etree

from sandbox.errors import BAD_FORMAT, PURPOSE_TEXT, ApiError
from sandbox.odm.read import Ids, read_project
from sandbox.odm.roles import read_roles
from sandbox.odm.stream import STUDY, SUBJECT, elements
from sandbox.people.members import save_member, save_role
from sandbox.people.rights import Member
from sandbox.project.field import Field
from sandbox.project.model import Project
from sandbox.project.parts import Arm, Event, Form
from sandbox.setup.loading import load_subjects
from sandbox.storage import LogRow, Store

OWNER = "site_admin"
PURPOSES = frozenset("01234")
OTHER_PURPOSE = "1"
# Only the text for purpose 1 was recorded (J.1).
NO_TITLE = "You must provide some text for 'project_title'."
BAD_PURPOSE = "The value of 'purpose' must be a whole number from 0 to 4."
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


def create_project(
    store: Store, attributes: Mapping[str, str], *, odm: str | BinaryIO = "", now: str
) -> Created:
    """Make a project and a token with full rights; raises `ApiError` for what REDCap refuses.

    Project XML of any size may come as a file or stream of bytes.
    """
    source = BytesIO(odm.encode("utf-8", "replace")) if isinstance(odm, str) else odm
    try:
        project = _from_xml(store, attributes, source=source, now=now) if odm else None
    except ValueError as error:
        raise ApiError(BAD_FORMAT) from error
    if project is None:
        project = _with_attributes(_empty(Ids(store.next_id(), store.next_id)), attributes, now=now)
        store.projects.save(project)
    how = "using a REDCap XML file (API)" if odm else "(API)"
    row = LogRow(now, OWNER, "manage", "Manage/Design ", f"Create project {how}", "")
    store.log.add(project.project_id, [row])
    return Created(project, add_token(store, project, member=Member(OWNER)))


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Refuse attributes that no project can have; raises `ApiError`."""
    if not attributes.get("project_title", "").strip():
        raise ApiError(NO_TITLE)
    if attributes.get("purpose", "") not in PURPOSES:
        raise ApiError(BAD_PURPOSE)
    if attributes.get("purpose") == OTHER_PURPOSE and not attributes.get("purpose_other", "").strip():
        raise ApiError(PURPOSE_TEXT)


def _from_xml(store: Store, attributes: Mapping[str, str], *, source: BinaryIO, now: str) -> Project:
    found = elements(source)
    study = next(found, None)
    if study is None or study.tag != STUDY:
        raise ValueError("no Study")
    project = _with_attributes(read_project(study, Ids(store.next_id(), store.next_id)), attributes, now=now)
    store.projects.save(project)
    _store_roles(store, project, study=study)
    subjects = (one for one in found if one.tag == SUBJECT)
    load_subjects(store, project, elements=subjects, now=now, username=OWNER)
    return project


def _store_roles(store: Store, project: Project, *, study: etree._Element) -> None:
    for role in read_roles(study, [form.name for form in project.forms]):
        save_role(store, project.project_id, role=role)


def _with_attributes(project: Project, attributes: Mapping[str, str], *, now: str) -> Project:
    given = {tag: attributes[name] for name, tag in _TAGS.items() if attributes.get(name, "") != ""}
    return replace(
        project,
        title=attributes.get("project_title", "").strip() or project.title,
        settings=project.settings | given,
        created=now,
        longitudinal=project.longitudinal or attributes.get("is_longitudinal") == "1",
    )


def add_token(store: Store, project: Project, *, member: Member) -> str:
    """Make a user of the project and a token for them."""
    token = secrets.token_hex(16).upper()
    save_member(store, project.project_id, member=member)
    store.projects.add_token(token, project.project_id, username=member.username)
    return token


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
