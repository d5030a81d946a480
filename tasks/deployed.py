"""Deployed: which deployments of ours the configured Prefect server has."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from capstan.timetable.prefect_file import WITHOUT_STUDY

# Prefect is imported when it is asked, because the receiver must be up in a moment.
if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

_PAGE = 200  # as many as the server gives at once


def server_address() -> str:
    """The API address of the configured Prefect server; blank where there is none."""
    if not _may_be_configured():
        return ""
    from prefect.settings import get_current_settings

    return get_current_settings().api.url or ""


def _may_be_configured() -> bool:
    """Whether there is anything from which Prefect takes settings: else it need not be imported and asked.

    Source: docs.prefect.io, settings and profiles; PREFECT_HOME, where profiles are, is a setting too.
    """
    if "prefect" in sys.modules or any(name.upper().startswith("PREFECT_") for name in os.environ):
        return True
    if Path("~/.prefect/profiles.toml").expanduser().exists() or Path("prefect.toml").exists():
        return True
    return _holds(Path(".env"), "PREFECT_") or _holds(Path("pyproject.toml"), "[TOOL.PREFECT")


def _holds(file: Path, words: str) -> bool:
    return file.is_file() and words in file.read_text("utf-8", errors="replace").upper()


def flow_run_page(flow_run: str) -> str:
    """The address of a flow run's page; blank where there is no server."""
    from prefect.utilities.urls import url_for

    return url_for("flow-run", obj_id=flow_run) or ""


def each_deployed(client: SyncPrefectClient, *, flow: str = "") -> Iterator[DeploymentResponse]:
    """Every deployment of a flow, or of all flows, that is for one study."""
    yield from (one for one in _each(client, flow=flow) if study_of(one))


def each_of_ours(client: SyncPrefectClient) -> Iterator[DeploymentResponse]:
    """Every deployment of ours, also those that are for no study."""
    yield from (one for one in _each(client) if study_of(one) or flow_of(one) in WITHOUT_STUDY)


def _each(client: SyncPrefectClient, *, flow: str = "") -> Iterator[DeploymentResponse]:
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName
    from prefect.client.schemas.sorting import DeploymentSort

    of_flow = FlowFilter(name=FlowFilterName(any_=[flow.replace("_", "-")])) if flow else None
    offset = 0
    while True:
        page = client.read_deployments(
            flow_filter=of_flow, sort=DeploymentSort.NAME_ASC, limit=_PAGE, offset=offset
        )
        yield from page
        offset += _PAGE
        if len(page) < _PAGE:
            return


def study_of(deployment: DeploymentResponse) -> str:
    """The study that a deployment is for; blank where it is for none."""
    return str(deployment.parameters.get("study") or "")


def flow_of(deployment: DeploymentResponse) -> str:
    """The name of a deployment's flow, as in the timetable."""
    return (deployment.entrypoint or "").rpartition(".")[2].rpartition(":")[2]
