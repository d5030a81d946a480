"""Copying: a live project out of REDCap, through a connection that only reads, and into a sandbox."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import requests

from capstan.deidentify import Mask, disguise_project, disguise_users
from capstan.dictionary import Dictionary
from capstan.errors import CapstanError, RightMissing
from capstan.needs import eligibility_targets, visit_targets
from capstan.redcap import Redcap
from capstan.redcap.exports_only import exports_only
from capstan.study import Study
from tasks.connections import check_identity, read_token
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
    url = study.redcap.url
    redcap = Redcap(url, read_token(study.redcap.token, folder=folder), session=exports_only(url))
    info = redcap.project()
    check_identity(study.redcap.project, info=info)
    xml, users = redcap.project_xml(access_groups=True), _users(redcap)
    if de_identified:
        codes = str(info.get("missing_data_codes") or "")
        dictionary = Dictionary.from_frames(
            redcap.metadata(), instruments=redcap.instruments(), missing_codes=codes
        )
        computed = visit_targets(study) | eligibility_targets(study)
        # Nobody keeps the secret, so nobody can undo the disguise.
        xml = disguise_project(xml, Mask(dictionary, secrets.token_bytes(32), computed))
        users = disguise_users(users)
    identity = study.redcap.project
    # A sandbox knows versions as three numbers; REDCap's own may have words behind them.
    version = re.sub(r"^(\d+\.\d+\.\d+).*", r"\1", redcap.version())
    return Export(xml, users, identity.title, identity.status, version)


@effect("load copy")
def load_copy(sandbox: Running, found: Export, *, on: date | None) -> tuple[Mapping[str, Any], int]:
    """Load an export into a sandbox; returns `project_id` and `token` of the copy, and how many users it has.

    The token belongs to a user of its own, who has all rights.
    """
    answer = requests.post(
        f"{sandbox.control_url}projects",
        params={"title": found.title},
        data=found.xml,
        headers={"Content-Type": "text/xml"},
        timeout=_TIMEOUT_SECONDS,
    )
    if not answer.ok:
        raise CapstanError("The sandbox cannot load this project's XML; please report it, without the file.")
    project = answer.json()
    users = _load_users(sandbox, found.users, token=project["token"])
    place = f"projects/{project['project_id']}"
    token = _order(sandbox, f"{place}/tokens", username=_USER)["token"]
    _order(sandbox, f"{place}/status", status=found.status)
    if on:
        _order(sandbox, "clock", now=f"{on.isoformat()}T12:00:00")
    return {"project_id": project["project_id"], "token": token}, users


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
    answer = requests.post(sandbox.redcap_url, data=call, timeout=_TIMEOUT_SECONDS)
    return len(users) if answer.ok else 0


def _order(sandbox: Running, what: str, **body: str) -> dict[str, Any]:
    answer = requests.post(f"{sandbox.control_url}{what}", json=body, timeout=_TIMEOUT_SECONDS)
    answer.raise_for_status()
    return dict(answer.json())
