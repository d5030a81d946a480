"""Controls of one project: its coming and going, tokens, status, and what people type into it."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any, BinaryIO, cast

from sandbox.by_hand import edit_as, open_project, save_as, set_lock
from sandbox.control.orders import Order
from sandbox.data.edits import Cell
from sandbox.data.places import MAX_INSTANCE, Place, find_place
from sandbox.errors import ApiError
from sandbox.faults import SecondWrite
from sandbox.imports.saving import FormRefused
from sandbox.people.rights import member_from
from sandbox.project.model import Project
from sandbox.project.names import next_number
from sandbox.setup.creation import OWNER, add_token, create_project
from sandbox.state import State

MAX_XML = 1 << 30
MAX_VALUE = 1 << 20
_MAX_RIGHT = 999


class Status(StrEnum):
    """Where a project is in its life."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


def list_projects(state: State, _: Order) -> Any:
    """List projects by id, title and status."""
    return [_about(one) for one in state.store.projects.all()]


def load_project(state: State, order: Order) -> Any:
    """Load project XML (`xml`, or the body), or make an empty project (`title`); answers id and token."""
    attributes = {"project_title": order.text("title"), "purpose": "0"}
    xml = cast(BinaryIO, order.source) if order.source else order.text("xml", longest=MAX_XML)
    created = create_project(state.store, attributes, odm=xml, now=state.clock.stamp())
    return {**_about(created.project), "token": created.token, "username": OWNER}


def delete_project(state: State, order: Order) -> Any:
    """Delete a project; its tokens then get REDCap's text for that."""
    project = open_project(state, order.project_id)
    state.store.projects.delete(project.project_id)
    return {"deleted": project.project_id}


def make_token(state: State, order: Order) -> Any:
    """Make a token; `rights` override full rights, e.g. `{"api_import": 0}`."""
    project = open_project(state, order.project_id)
    groups = {group.unique_name: group.group_id for group in project.groups}
    group = order.text("data_access_group")
    if group and group not in groups:
        raise ApiError("There is no such data access group.")
    member = member_from(
        order.text("username", longest=100) or OWNER,
        {
            "flags": _rights(order, "rights"),
            "forms": _rights(order, "forms"),
            "forms_export": _rights(order, "forms_export"),
            "group_id": groups.get(group),
        },
    )
    return {"token": add_token(state.store, project, member=member), "username": member.username}


def set_status(state: State, order: Order) -> Any:
    """Move a project to `development` or `production`."""
    project = open_project(state, order.project_id)
    in_production = order.choice("status", "", of=Status) == Status.PRODUCTION
    stamp = state.clock.stamp() if in_production else ""
    moved = replace(project, in_production=in_production, production_time=stamp)
    state.store.projects.save(moved)
    return _about(moved)


def write_cell(state: State, order: Order) -> Any:
    """Edit one cell unchecked, as another user would; it is logged and fires the trigger."""
    edit_as(state, read_write(order))
    return {"written": 1}


def write_form(state: State, order: Order) -> Any:
    """Save a form as in a browser: checked, logged, and the trigger fires."""
    project = open_project(state, order.project_id)
    names = state.store.values.record_names(project.project_id)
    place = _place(project, order, record=order.text("record") or str(next_number(names)))
    values = order.part("values")
    texts = {name: values.text(name, longest=MAX_VALUE) for name in values.body}
    username = order.text("username", longest=100) or OWNER
    try:
        changed = save_as(state, project, place=place, values=texts, username=username)
    except FormRefused as refused:
        raise refused.as_api_error from refused
    return {"record": place.record, "changed": changed}


def lock_form(state: State, order: Order) -> Any:
    """Lock a form of a record, or unlock it with `is_locked` false."""
    project = open_project(state, order.project_id)
    place = _place(project, order, record=order.text("record"))
    is_locked, username = order.flag("is_locked", True), order.text("username", longest=100) or OWNER
    set_lock(state, project, place=place, username=username, is_locked=is_locked)
    return {"is_locked": is_locked}


def read_write(order: Order) -> SecondWrite:
    """Read which cell is edited and by whom."""
    names = ("record", "field", "value", "event", "instrument")
    texts = {name: order.text(name, longest=MAX_VALUE) for name in names}
    if not texts["record"].strip() or not texts["field"]:
        raise ApiError("A cell needs its record and its field.")
    instance = order.number("instance", 0, low=0, high=MAX_INSTANCE)
    username = order.text("username", longest=100) or "second_writer"
    return SecondWrite(order.project_id, Cell(**texts, instance=instance), username)


def _place(project: Project, order: Order, *, record: str) -> Place:
    instance = order.number("instance", 1, low=1, high=MAX_INSTANCE)
    return find_place(project, record, form=order.text("form"), event=order.text("event"), instance=instance)


def _rights(order: Order, name: str) -> dict[str, int]:
    part = order.part(name)
    return {right: part.number(right, 0, low=0, high=_MAX_RIGHT) for right in part.body}


def _about(project: Project) -> dict[str, Any]:
    return {
        "project_id": project.project_id,
        "title": project.title,
        "status": (Status.PRODUCTION if project.in_production else Status.DEVELOPMENT).value,
    }
