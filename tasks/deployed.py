"""Deployed: which deployments of ours the configured Prefect server has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

# Prefect is imported when it is asked, because the receiver must be up in a moment.
if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

_PAGE = 200  # as many as the server gives at once


def server_address() -> str:
    """The API address of the configured Prefect server; blank where there is none."""
    from prefect.settings import get_current_settings

    return get_current_settings().api.url or ""


def each_deployed(client: SyncPrefectClient, *, flow: str = "") -> Iterator[DeploymentResponse]:
    """Every deployment of a flow, or of all flows, that is for one study."""
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName
    from prefect.client.schemas.sorting import DeploymentSort

    of_flow = FlowFilter(name=FlowFilterName(any_=[flow.replace("_", "-")])) if flow else None
    offset = 0
    while True:
        page = client.read_deployments(
            flow_filter=of_flow, sort=DeploymentSort.NAME_ASC, limit=_PAGE, offset=offset
        )
        yield from (one for one in page if study_of(one))
        offset += _PAGE
        if len(page) < _PAGE:
            return


def study_of(deployment: DeploymentResponse) -> str:
    """The study that a deployment is for; blank where it is for none."""
    return str(deployment.parameters.get("study") or "")


def flow_of(deployment: DeploymentResponse) -> str:
    """The name of a deployment's flow, as in the timetable."""
    return (deployment.entrypoint or "").rpartition(".")[2].rpartition(":")[2]
