"""Pages of records: the list with its dots, and one record's grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from starlette.responses import Response

from sandbox.call import Call
from sandbox.errors import ApiError
from sandbox.methods import naming, removal
from sandbox.pages.asked import Asked, go_to, page
from sandbox.pages.grid import load_dots
from sandbox.pages.paging import part_of
from sandbox.project.model import Project
from sandbox.project.names import natural_key, next_number
from sandbox.project.parts import Event, Form
from sandbox.render import Answer
from sandbox.session import Session
from sandbox.setup.creation import OWNER
from sandbox.state import State

PER_PAGE = 50
Method = Callable[[Session], Answer]


def dashboard(state: State, asked: Asked) -> Response:
    """List an arm's records with a dot for every form of every event."""
    project, search = asked.project(state), asked.text("search").strip()
    arm = asked.number("arm", _first_arm(project))
    columns = _columns(project, arm)
    names = _names(state, project, arm=arm)
    found = [name for name in names if search.casefold() in name.casefold()]
    part = part_of(len(found), asked.number("page"), per_page=PER_PAGE)
    shown = part.of(sorted(found, key=natural_key))
    dots = load_dots(state.store, project, records=shown)
    return page(
        "records.html",
        state,
        asked=asked,
        project=project,
        arm=arm,
        search=search,
        total=len(names),
        part=part,
        columns=columns,
        events=Counter(event for event, _ in columns),
        rows=[(name, [dots.summary(name, event, form=form) for event, form in columns]) for name in shown],
        tab="records",
    )


def add(state: State, asked: Asked) -> Response:
    """Go to the grid of a new record; as in REDCap it comes to be when a form is saved."""
    project = asked.project(state)
    name = asked.text("record").strip()
    if not name:
        name = str(next_number(state.store.values.record_names(project.project_id)))
    return go_to(f"project/{project.project_id}/record", id=name, arm=asked.text("arm"))


def record(state: State, asked: Asked) -> Response:
    """Show a record's grid of events by forms."""
    project, name = asked.project(state), asked.text("id").strip()
    if not name:
        raise ApiError("A record needs a name.")
    dots = load_dots(state.store, project, records=[name])
    in_arms = dots.arms()
    arm = asked.number("arm", min(in_arms, default=_first_arm(project)))
    visits = dots.visits(name, [one for one in project.ordered_events if one.arm_num == arm])
    grid = [
        (form, [(visit, dots.slot(name, visit, form=form)) for visit in visits]) for form in project.forms
    ]
    group_id = state.store.groups.of(project.project_id, name)
    return page(
        "record.html",
        state,
        asked=asked,
        project=project,
        record=name,
        is_new=not dots.rows,
        arm=arm,
        in_arms=in_arms,
        visits=visits,
        grid=grid,
        group=next((one.name for one in project.groups if one.group_id == group_id), ""),
        tab="records",
    )


def rename(state: State, asked: Asked) -> Response:
    """Rename a record in all of its arms."""
    fields = {"record": asked.text("id"), "new_record_name": asked.text("name")}
    _call(state, asked, method=naming.rename, call=Call(fields))
    path = f"project/{asked.project_id}/record"
    return go_to(path, id=asked.text("name").strip(), told="renamed")


def delete(state: State, asked: Asked) -> Response:
    """Delete a record, once its name was typed."""
    name = asked.text("id")
    if asked.text("sure").strip() != name:
        raise ApiError("Type the record's name to delete it.")
    _call(state, asked, method=removal.delete, call=Call({}, {"records": (name,)}))
    return go_to(f"project/{asked.project_id}", told="deleted")


def _first_arm(project: Project) -> int:
    return next((one.arm_num for one in project.ordered_events), 1)


def _call(state: State, asked: Asked, *, method: Method, call: Call) -> None:
    session = state.session(asked.project(state), OWNER)
    method(replace(session, call=call))


def _columns(project: Project, arm: int) -> list[tuple[Event, Form]]:
    return [
        (event, form)
        for event in project.ordered_events
        for form in project.forms
        if event.arm_num == arm and project.is_designated(event.event_id, form.name)
    ]


def _names(state: State, project: Project, *, arm: int) -> set[str]:
    values = state.store.values
    events = [one.event_id for one in project.events if one.arm_num == arm]
    if len(events) == len(project.events):
        return values.record_names(project.project_id)
    return values.record_names_at(project.project_id, events)
