"""Tokens: whether each opens the right project, in its own role, with no more rights than the study needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from capstan.errors import CapstanError
from capstan.redcap import Redcap
from tasks.connections import LiveProject, open_writer
from tasks.finding import Finding
from tasks.hosts import is_local
from tasks.rights import DELETE, DESIGN, IMPORT, RENAME, USERS, Right, list_users, read_rights
from tasks.token_sources import read_token


def look_at_tokens(live: LiveProject, *, folder: Path) -> Iterator[Finding]:
    """One finding for the write token, and one for the rights of each token."""
    source = live.study.redcap.write_token
    if source is None:
        said = "one token reads and writes; let another user's token, in redcap.write_token, write alone"
        yield Finding("write token", "warn", said)
        yield _rights("token rights", live.redcap, live=live, users=list_users(live.redcap), writes=True)
        return
    users = list_users(live.redcap)
    yield _rights("token rights", live.redcap, live=live, users=users, writes=False)
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
    users = list_users(writer) if users is None else users
    yield _rights("write token rights", writer, live=live, users=users, writes=True)


def look_at_status(live: LiveProject) -> Finding:
    """Whether the address and the project's status go together."""
    is_production, is_here = live.study.redcap.project.status == "production", is_local(live.project[0])
    if is_production and is_here:
        said = (
            "a project in production at an address of this machine: if this is a sandbox, take a token of "
            "its own project; if it is a way to the real server, give redcap.url its own address"
        )
        return Finding("status", "warn", said)
    if not is_production and not is_here:
        said = "a project in development on a real server; move it to production before participants' data"
        return Finding("status", "warn", f"{said} come, and correct redcap.project.status")
    return Finding("status", "ok", live.study.redcap.project.status)


def _rights(
    what: str, redcap: Redcap, *, live: LiveProject, users: pd.DataFrame | None, writes: bool
) -> Finding:
    """Report rights that the token's user has and the study does not need, and the other way round."""
    found = read_rights(redcap, users, record_field=live.dictionary.record_field)
    unneeded = _unneeded(live, writes=writes)
    lists = {
        "more than the study needs: {}; take it from the token's user in User Rights.": [
            right for right in unneeded if found[right]
        ],
        "missing: {}; without it nothing can be written; give it to the token's user in User Rights.": [
            right for right in (IMPORT,) if writes and found[right] is False
        ],
        "cannot be seen: {}; ask who manages User Rights whether the token's user has it, and to take it "
        "away; or let that user read User Rights.": [right for right in unneeded if found[right] is None],
    }
    said = [
        text.format(", ".join(right.label for right in rights)) for text, rights in lists.items() if rights
    ]
    return Finding(what, "warn" if said else "ok", " ".join(said) or "no more than the study needs")


def _unneeded(live: LiveProject, *, writes: bool) -> list[Right]:
    limits = live.study.writes.limits
    # An undo deletes the records that its run created.
    needed = {
        IMPORT: writes,
        DELETE: writes and bool(limits.deleted_records or limits.new_records),
        RENAME: writes and bool(limits.renamed_records),
        # REDCap tells what repeats to nobody else.
        DESIGN: live.grid.has_repeats and not (writes and live.study.redcap.write_token),
        USERS: False,
    }
    return [right for right, is_needed in needed.items() if not is_needed]
