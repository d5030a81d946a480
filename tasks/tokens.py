"""Tokens: whether each opens the right project, in its own role, with no more rights than the study needs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from capstan.errors import CapstanError, RedcapError, RightMissing, RowsRefused
from capstan.redcap import Redcap
from tasks.connections import LiveProject, open_writer, read_token
from tasks.finding import Finding


def look_at_tokens(live: LiveProject, *, folder: Path) -> Iterator[Finding]:
    """One finding for the write token, and one for the rights of each token."""
    source = live.study.redcap.write_token
    if source is None:
        said = "one token reads and writes; give the token of a user who may import as redcap.write_token"
        yield Finding("write token", "warn", said)
        yield _rights("token rights", live.redcap, live=live, writes=True)
        return
    yield _rights("token rights", live.redcap, live=live, writes=False)
    try:
        writer = open_writer(live.study, source, folder=folder)
        tokens = [read_token(one, folder=folder) for one in (live.study.redcap.token, source)]
    except CapstanError as error:
        yield Finding("write token", "fail", str(error))
        return
    if tokens[0].strip().upper() == tokens[1].strip().upper():
        said = "it is the same as redcap.token; let a second REDCap user, without import, make that one"
        yield Finding("write token", "warn", said)
        return
    yield Finding("write token", "ok", f"found ({source.kind}), another than the one that reads")
    yield _rights("write token rights", writer, live=live, writes=True)


def look_at_status(live: LiveProject) -> Finding:
    """Whether the address and the project's status go together."""
    is_production = live.study.redcap.project.status == "production"
    if is_production and is_local(live):
        said = (
            "a project in production at an address of this machine: if this is a sandbox, take a token of "
            "its own project; if it is a way to the real server, give redcap.url its own address"
        )
        return Finding("status", "warn", said)
    if not is_production and not is_local(live):
        said = "a project in development on a real server; move it to production before participants' data"
        return Finding("status", "warn", f"{said} come, and correct redcap.project.status")
    return Finding("status", "ok", live.study.redcap.project.status)


def is_local(live: LiveProject) -> bool:
    """Whether REDCap is on this machine, as a sandbox is."""
    return live.project[0] in ("localhost", "::1") or live.project[0].startswith("127.")


def _rights(what: str, redcap: Redcap, *, live: LiveProject, writes: bool) -> Finding:
    """Report rights that the token's user has and the study does not need."""
    found = [name for name, has_right in _unneeded(live, writes=writes).items() if has_right(redcap)]
    if not found:
        return Finding(what, "ok", "no right to delete, design or manage users beyond what the study needs")
    said = f"more than the study needs: {', '.join(found)}; take it from the token's user in User Rights"
    return Finding(what, "warn", said)


def _unneeded(live: LiveProject, *, writes: bool) -> dict[str, Callable[[Redcap], bool]]:
    limits = live.study.writes.limits
    # An undo deletes the records that its run created.
    deletes = writes and bool(limits.deleted_records or limits.new_records)
    rights: dict[str, Callable[[Redcap], bool]] = {"User Rights": _may_manage_users}
    if not deletes:
        rights["Delete Records"] = _may_delete
    # REDCap tells what repeats to nobody else.
    if (writes and live.study.redcap.write_token) or not live.grid.has_repeats:
        rights["Project Design and Setup"] = _may_design
    return rights


def _may_manage_users(redcap: Redcap) -> bool:
    return _is_let(redcap.users)


def _may_design(redcap: Redcap) -> bool:
    return _is_let(redcap.repeating)


def _may_delete(redcap: Redcap) -> bool:
    """Ask to delete a record that cannot exist: REDCap refuses the call or the record."""
    try:
        redcap.delete_records([f"capstan-doctor-{secrets.token_hex(16)}"])
    except RowsRefused:
        return True
    except RedcapError:
        return False
    return True


def _is_let(call: Callable[[], object]) -> bool:
    try:
        call()
    except RightMissing:
        return False
    return True
