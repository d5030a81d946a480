"""The page of one form: its questions with their values, and saving them."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from starlette.responses import Response

from sandbox.by_hand import save_as, set_lock
from sandbox.call import Call
from sandbox.errors import ApiError
from sandbox.imports.saving import FormRefused
from sandbox.methods.files import delete_file, import_file
from sandbox.pages.asked import Asked, go_to, page
from sandbox.pages.entry import PREFIX, Entry, Values, address_of, changed, open_entry, typed_values
from sandbox.pages.notices import messages, notices
from sandbox.pages.questions import blocks
from sandbox.setup.creation import OWNER
from sandbox.state import State

FILE_PREFIX, REMOVE_PREFIX = "file-", "remove-"


def show(state: State, asked: Asked) -> Response:
    """Show a form with what is stored."""
    return show_entry(state, open_entry(state, asked), asked=asked)


def save(state: State, asked: Asked) -> Response:
    """Save a form; raises `FormRefused` for values that cannot be stored."""
    entry = open_entry(state, asked)
    if entry.is_locked:
        raise ApiError("This form is locked.")
    given = typed_values(entry, asked.form)
    username = asked.text("username").strip() or OWNER
    save_as(state, entry.project, place=entry.place, values=changed(entry, given), username=username)
    _store_files(state, entry, asked=asked, username=username)
    project_id, place = entry.project.project_id, entry.place
    if asked.text("then") == "stay":
        return go_to(f"project/{project_id}/form", **address_of(place), told="saved")
    return go_to(f"project/{project_id}/record", id=place.record, arm=place.event.arm_num, told="saved")


def show_refused(state: State, asked: Asked, *, refused: FormRefused) -> Response:
    """Show a form again with what was typed, and why it was refused."""
    entry = open_entry(state, asked)
    given, errors = typed_values(entry, asked.form), messages(entry.project, refused)
    return show_entry(state, entry, asked=asked, values=given, errors=errors)


def change_lock(state: State, asked: Asked) -> Response:
    """Lock a form, or unlock it; what was typed and not saved is lost."""
    entry = open_entry(state, asked)
    username, is_locked = asked.text("username").strip() or OWNER, asked.text("lock") == "1"
    set_lock(state, entry.project, place=entry.place, username=username, is_locked=is_locked)
    return go_to(f"project/{entry.project.project_id}/form", **address_of(entry.place), told="set")


def download(state: State, asked: Asked) -> Response:
    """Send the file of a field; a browser is to keep it and never to show it here."""
    entry = open_entry(state, asked)
    project, doc_id = entry.project, entry.values.get(asked.text("field"), "")
    field = project.field_by_name.get(asked.text("field"))
    is_file = field is not None and field.field_type == "file"
    file = state.store.files.get(project.project_id, doc_id) if is_file else None
    if file is None:
        raise ApiError("There is no such file.", 404)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"}
    return Response(file.content, media_type="application/octet-stream", headers=headers)


def show_entry(
    state: State,
    entry: Entry,
    *,
    asked: Asked,
    values: Values | None = None,
    errors: Values | None = None,
) -> Response:
    """Show a form; `values` are what was typed when something of it was refused."""
    project, place = entry.project, entry.place
    shown = {**entry.values, **(values or {})}
    return page(
        "form.html",
        state,
        asked=asked,
        status=400 if errors else 200,
        project=project,
        place=place,
        entry=entry,
        prefix=PREFIX,
        is_survey=False,
        blocks=blocks(project, place.form, values=shown, errors=errors or {}),
        errors=errors or {},
        notices=[] if values else notices(entry),
        files=state.store.files.names(project.project_id),
        label={one.name: one.label for one in project.forms}[place.form],
        repeats=place.key(project).instance > 0,
        here=address_of(place),
        tab="records",
    )


def _store_files(state: State, entry: Entry, *, asked: Asked, username: str) -> None:
    """Put uploaded files into their fields, or take them out, as the API's own methods do."""
    project, place = entry.project, entry.place
    where = {"record": place.record, "event": place.event.unique_name, "repeat_instance": str(place.instance)}
    for one in project.fields:
        if one.form_name != place.form or one.field_type != "file":
            continue
        upload = asked.files.get(FILE_PREFIX + one.field_name)
        call = Call({**where, "field": one.field_name}, upload=upload)
        session = replace(state.session(project, username), call=call)
        if upload is not None and upload.name:
            import_file(session)
        elif REMOVE_PREFIX + one.field_name in asked.form and entry.values.get(one.field_name):
            delete_file(session)
