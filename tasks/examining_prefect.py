"""Examination of Prefect: whether its server answers, workers live, and schedules are the study's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from capstan.study import Study
from capstan.timetable.deployments import deployments_of
from tasks.deployed import each_deployed, server_address, study_of
from tasks.examining_clock import compare_clocks
from tasks.finding import Finding
from tasks.standings import Stand, Standing, read_standings

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

# After so long a run that is due was not merely waiting for its turn.
OVERDUE = timedelta(minutes=15)
_TIMEOUT_SECONDS = 5
_AGAIN = "run `prefect --no-prompt deploy --all`"


def look_at_prefect(study: Study, *, now: datetime) -> Iterator[Finding]:
    """Findings on the server, its clock, the workers of the study's deployments, and their schedules."""
    from httpx import HTTPError

    api = server_address()
    if not api:
        said = "no server is configured, so nothing runs by itself; see deployments/README.md, or use cron"
        yield Finding("prefect", "warn", said)
        return
    host = urlsplit(api).hostname or ""
    try:
        # Not by Prefect's client, which tries for minutes.
        answer = requests.get(f"{api}/health", timeout=_TIMEOUT_SECONDS)
    except requests.RequestException as error:
        said = f"nothing answers at {host} ({type(error).__name__})"
        yield Finding("prefect", "fail", f"{said}; start the server, or correct PREFECT_API_URL")
        return
    yield from compare_clocks("Prefect", answer.headers.get("Date"), now=now)
    try:
        yield from _look_inside(study, host=host, now=now)
    except HTTPError as error:
        yield Finding("prefect", "fail", _refusal(error, host=host))


def _look_inside(study: Study, *, host: str, now: datetime) -> Iterator[Finding]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        yield _server(client, host=host)
        mine = [one for one in each_deployed(client) if study_of(one) == study.study]
        for pool in sorted({one.work_pool_name or "" for one in mine}):
            yield _workers(client, pool)
    standings = read_standings(deployments_of(study))
    yield _schedules(standings, study=study.study)
    if late := _late(standings, now=now):
        yield late


def _server(client: SyncPrefectClient, *, host: str) -> Finding:
    import prefect

    said = f"answers at {host}"
    if urlsplit(str(client.api_url)).path.startswith("/api/accounts/"):
        return Finding("prefect", "ok", f"{said}, Prefect Cloud")
    there, here = client.api_version(), prefect.__version__
    if _release(there) < _release(here):
        told = f"{said} with {there}, older than this machine's {here}; update the server first"
        return Finding("prefect", "warn", told)
    return Finding("prefect", "ok", f"{said}, version {there}")


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def _workers(client: SyncPrefectClient, pool: str) -> Finding:
    from prefect.client.schemas.objects import WorkerStatus
    from prefect.exceptions import ObjectNotFound

    what = "worker"
    if not pool:
        said = f"some deployments have no work pool, so nobody runs them; {_AGAIN}"
        return Finding(what, "fail", said)
    try:
        found = client.read_work_pool(pool)
    except ObjectNotFound:
        return Finding(what, "fail", f"there is no work pool {pool}; run `prefect work-pool create {pool}`")
    if found.is_paused:
        return Finding(what, "warn", f"work pool {pool} is paused; run `prefect work-pool resume {pool}`")
    if found.is_push_pool or found.is_managed_pool:
        return Finding(what, "ok", f"work pool {pool} needs none")
    alive = [one for one in client.read_workers_for_work_pool(pool) if one.status is WorkerStatus.ONLINE]
    if not alive:
        said = f"none is alive on work pool {pool}; run `prefect worker start --pool {pool}` as a service"
        return Finding(what, "fail", said)
    return Finding(what, "ok", f"{len(alive)} alive on work pool {pool}")


_TO_DO = {
    Stand.PAUSED: "run `prefect deployment schedule resume` where that is not on purpose",
    Stand.OTHER_TIMES: _AGAIN,
    Stand.NOT_DEPLOYED: _AGAIN,
    Stand.NOT_WANTED: "delete them with `prefect deployment delete`",
}


def _schedules(standings: Sequence[Standing], *, study: str) -> Finding:
    what = "schedules"
    if all(one.stand is Stand.NOT_DEPLOYED for one in standings):
        file = "prefect.yaml"
        said = f"nothing is deployed; run `capstan deployments {study} --out {file}`, then {_AGAIN[4:]}"
        return Finding(what, "fail", said)
    faults = [_fault(stand, standings) for stand in _TO_DO if any(one.stand is stand for one in standings)]
    if faults:
        return Finding(what, "warn", "; ".join(faults))
    return Finding(what, "ok", f"{len(standings)} deployments, as the study says")


def _fault(stand: Stand, standings: Sequence[Standing]) -> str:
    flows = [one.flow.replace("_", "-") for one in standings if one.stand is stand]
    return f"{stand.value}: {', '.join(flows)} ({_TO_DO[stand]})"


def _late(standings: Sequence[Standing], *, now: datetime) -> Finding | None:
    late = [one.flow for one in standings if one.next_at is not None and one.next_at < now - OVERDUE]
    if not late:
        return None
    said = f"runs of {', '.join(late)} are due for more than 15 minutes; look whether the worker keeps up"
    return Finding("late runs", "warn", said)


def _refusal(error: Exception, *, host: str) -> str:
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if status in (401, 403):
        return f"{host} does not let us in; set PREFECT_API_KEY, or PREFECT_API_AUTH_STRING"
    return f"{host} gives no usable answer ({status or type(error).__name__}); look at the server's log"
