"""What people do in a browser and the API cannot: they save forms and edit cells."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.data.edits import edit_cell
from sandbox.data.locking import lock, unlock
from sandbox.data.places import Place
from sandbox.errors import ApiError
from sandbox.faults import SecondWrite
from sandbox.imports.saving import save_form
from sandbox.project.model import Project
from sandbox.state import State


def open_project(state: State, project_id: int) -> Project:
    """Return a project; raises `ApiError` where there is none."""
    project = state.store.projects.get(project_id)
    if project is None:
        raise ApiError("There is no such project.", 404)
    return project


def save_as(state: State, project: Project, *, place: Place, values: Mapping[str, str], username: str) -> int:
    """Save a form and let the trigger go out; returns how many values changed.

    Like all of this module, for callers inside `State.writing`.
    """
    session = state.session(project, username)
    changes = save_form(session, place, values=values)
    state.prepare_trigger(session, place)
    return len(changes)


def edit_as(state: State, write: SecondWrite) -> None:
    """Edit one cell unchecked, as another user, and let the trigger go out."""
    project, cell = open_project(state, write.project_id), write.cell
    session = state.session(project, write.username)
    edit_cell(session, cell)
    event = project.event_by_name[cell.event] if cell.event else project.ordered_events[0]
    form = project.column_by_name[cell.field].field.form_name
    state.prepare_trigger(session, Place(cell.record, event, form, cell.instance or 1))


def set_lock(state: State, project: Project, *, place: Place, username: str, is_locked: bool) -> None:
    """Lock a form of a record, or unlock it."""
    change = lock if is_locked else unlock
    change(state.session(project, username), place.key(project), form=place.form)


def write_cell(state: State, write: SecondWrite) -> None:
    """Edit a cell between two requests; a cell that is gone by now is left alone."""
    try:
        with state.writing():
            edit_as(state, write)
    except ApiError:
        return
