"""content=fileRepository: folders and files of a project that belong to no record (B.15)."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.errors import ApiError
from sandbox.methods.files import file_answer, uploaded
from sandbox.people.members import load_roles
from sandbox.people.rights import Member
from sandbox.render import Answer, table
from sandbox.session import Session
from sandbox.storage.repository import TOP, Folder, Shelved

RESTRICTIONS_SINCE = (16, 0, 8)
MAX_FOLDER_NAME = 150
_HIDDEN = (
    "does not exist or else you do not have permission to that {} because it is DAG-restricted or "
    "Role-restricted."
)
_NO_FOLDER = "The File Repository folder folder_id={} " + _HIDDEN.format("folder")
# The texts from here on were not recorded (J.1).
_NO_FILE = "The File Repository file doc_id={} " + _HIDDEN.format("file")
_BAD_NAME = "The parameter 'name' must have a value of no more than 150 characters."
_BAD_RESTRICTION = "The value of the parameter '{}' is not valid"


def list_folder(session: Session) -> Answer:
    """List the folders and files of the file repository's top, or of one of its folders."""
    here, folders = _asked_folder(session), _visible_folders(session)
    names = ["folder_id", "doc_id", "name"]
    if session.version >= RESTRICTIONS_SINCE:
        names += ["role", "dag"]
    inside = sorted(
        (one for one in folders.values() if one.parent_id == here), key=lambda one: one.name.casefold()
    )
    files = session.store.repository.files(session.project_id).values()
    shelved = sorted((one for one in files if one.folder_id == here), key=lambda one: one.name.casefold())
    rows = [[one.folder_id, "", one.name, one.role_id or "", one.group_id or ""] for one in inside]
    rows += [["", one.doc_id, one.name, "", ""] for one in shelved]
    # Clients that send both formats read the answer in that of answers. Not recorded (J.1).
    return table(names, [row[: len(names)] for row in rows], fmt=session.call.answer_format, root="items")


def create_folder(session: Session) -> Answer:
    """Make a folder of the file repository, for everybody or for one access group or role.

    Two folders may have the same name; their numbers tell them apart. Not recorded (J.1).
    """
    name = session.call.text("name").strip()
    if not 0 < len(name) <= MAX_FOLDER_NAME:
        raise ApiError(_BAD_NAME)
    groups = {group.group_id for group in session.project.groups}
    roles = {role.role_id for role in load_roles(session.store, session.project_id).values()}
    folder = Folder(
        0,
        _asked_folder(session),
        name,
        _restriction(session, "dag_id", among=groups),
        _restriction(session, "role_id", among=roles),
    )
    folder_id = session.store.repository.add_folder(session.project_id, folder)
    session.log_design(f"Create folder in File Repository (API) folder_id = {folder_id}")
    return table(["folder_id"], [[folder_id]], fmt=session.call.answer_format, root="items")


def export_file(session: Session) -> Answer:
    """Download a file from the file repository."""
    shelved = _asked_file(session)
    file = session.store.files.get(session.project_id, str(shelved.doc_id))
    if file is None:
        raise ApiError(_NO_FILE.format(shelved.doc_id))
    session.log_design(f"Download file from File Repository (API) doc_id = {shelved.doc_id}")
    return file_answer(file)


def import_file(session: Session) -> Answer:
    """Upload a file into the file repository's top, or into one of its folders."""
    here = _asked_folder(session)
    doc_id = session.store.files.add(session.project_id, uploaded(session.call))
    session.store.repository.add_file(session.project_id, doc_id, folder_id=here)
    session.log_design(f"Upload file to File Repository (API) doc_id = {doc_id}")
    return Answer("", session.call.answer_format)


def delete_file(session: Session) -> Answer:
    """Put a file of the file repository into the recycle bin."""
    shelved = _asked_file(session)
    session.store.repository.recycle(shelved.doc_id, session.stamp)
    session.log_design(f"Delete file from File Repository (API) doc_id = {shelved.doc_id}")
    return Answer("", session.call.answer_format)


def _asked_folder(session: Session) -> int:
    text = session.call.text("folder_id").strip()
    if not text:
        return TOP
    found = {str(number): number for number in _visible_folders(session)}
    if text not in found:
        raise ApiError(_NO_FOLDER.format(text))
    return found[text]


def _asked_file(session: Session) -> Shelved:
    text, folders = session.call.text("doc_id").strip(), _visible_folders(session)
    for one in session.store.repository.files(session.project_id).values():
        if str(one.doc_id) == text and (one.folder_id == TOP or one.folder_id in folders):
            return one
    raise ApiError(_NO_FILE.format(text))


def _visible_folders(session: Session) -> dict[int, Folder]:
    folders = session.store.repository.folders(session.project_id)
    role = load_roles(session.store, session.project_id).get(session.member.role)
    role_id = None if role is None else role.role_id
    return {
        number: one
        for number, one in folders.items()
        if all(_is_open(above, session.member, role_id=role_id) for above in _path(one, folders))
    }


def _path(folder: Folder, folders: Mapping[int, Folder]) -> list[Folder]:
    """Return a folder and those that it is inside of."""
    path = [folder]
    while path[-1].parent_id in folders:
        path.append(folders[path[-1].parent_id])
    return path


def _is_open(folder: Folder, member: Member, *, role_id: int | None) -> bool:
    # As with records, who belongs to no group or role is kept from none. Not recorded (J.1).
    is_other_group = None not in (folder.group_id, member.group_id) and folder.group_id != member.group_id
    return not is_other_group and (None in (folder.role_id, role_id) or folder.role_id == role_id)


def _restriction(session: Session, name: str, *, among: set[int]) -> int | None:
    text = session.call.text(name).strip()
    found = {str(number): number for number in among}
    if text and text not in found:
        raise ApiError(_BAD_RESTRICTION.format(name))
    return found.get(text)
