"""Copying: a live project out of REDCap, through a connection that only reads, and into a sandbox."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from capstan.deidentify import Mask, words_of
from capstan.deidentify.project import disguise_project, disguise_users
from capstan.dictionary import Dictionary
from capstan.errors import CapstanError, RightMissing
from capstan.redcap import Redcap
from capstan.redcap.exports_only import exports_only
from capstan.redcap.wire import new_session
from capstan.study import Study
from tasks.connections import check_identity, open_connection
from tasks.shield import effect

if TYPE_CHECKING:
    from sandbox.server import Running

_USER = "capstan_rehearsal"
_TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Export:
    """All that the API gives of a project: structure and records as XML, and its users with their rights."""

    xml: bytes = field(repr=False)
    users: pd.DataFrame = field(repr=False)
    title: str
    status: str
    version: str


@effect("export live project")
def export_project(study: Study, *, folder: Path, de_identified: bool) -> Export:
    """Export a study's live project, refusing any other than the one that the study names."""
    redcap = open_connection(study, study.redcap.token, folder=folder, session=exports_only(study.redcap.url))
    info = redcap.project()
    check_identity(study.redcap.project, info=info)
    xml, users = _xml(redcap), _users(redcap)
    if de_identified:
        codes = str(info.get("missing_data_codes") or "")
        dictionary = Dictionary.from_frames(
            redcap.metadata(), instruments=redcap.instruments(), missing_codes=codes
        )
        # Nobody keeps the secret, so nobody can undo the disguise.
        xml = disguise_project(xml, Mask(dictionary, secrets.token_bytes(32), words_of(study)))
        users = disguise_users(users)
    identity = study.redcap.project
    # A sandbox knows versions as three numbers; REDCap's own may have words behind them.
    version = re.sub(r"^(\d+\.\d+\.\d+).*", r"\1", redcap.version())
    return Export(xml, users, identity.title, identity.status, version)


@effect("load copy")
def load_copy(sandbox: Running, found: Export, *, on: date | None) -> tuple[Mapping[str, Any], int]:
    """Load an export into a sandbox; returns `project_id` and `token` of the copy, and how many users it has.

    The token belongs to a user of its own, who has all rights. The sandbox needs no pages for it.
    """
    from sandbox.control import clock, projects
    from sandbox.control.orders import Order
    from sandbox.errors import ApiError

    state = sandbox.state
    try:
        with state.writing():
            loaded = projects.load_project(
                state, Order(body={"title": found.title}, source=BytesIO(found.xml))
            )
            number = loaded["project_id"]
            token = projects.make_token(state, Order(number, {"username": _USER}))["token"]
            projects.set_status(state, Order(number, {"status": found.status}))
            clock.set_clock(state, Order(body={"now": f"{on}T12:00:00" if on else None}))
    except ApiError:
        told = "The sandbox cannot load this project's XML; please report it, without the file."
    else:
        users = _load_users(sandbox, found.users, token=loaded["token"])
        return {"project_id": number, "token": token}, users
    raise CapstanError(told)


def _xml(redcap: Redcap) -> bytes:
    try:
        return redcap.project_xml(access_groups=True)
    except RightMissing:
        # Access groups need a right of their own, and no flow asks for them.
        return redcap.project_xml()


def _users(redcap: Redcap) -> pd.DataFrame:
    try:
        return redcap.users()
    except RightMissing:
        # A token for a flow's work need not see them, and no flow asks who they are.
        return pd.DataFrame()


def _load_users(sandbox: Running, users: pd.DataFrame, *, token: str) -> int:
    if users.empty:
        return 0
    call = {"token": token, "content": "user", "format": "csv", "data": users.to_csv(index=False)}
    with new_session(sandbox.redcap_url) as session:
        answer = session.post(sandbox.redcap_url, data=call, timeout=_TIMEOUT_SECONDS)
    return len(users) if answer.ok else 0
