"""The machines of the trial: PostgreSQL, Redis, two API replicas behind a proxy, services, and workers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from benchmarks.postgres_machine import trial_database
from benchmarks.redis_server import find_redis
from benchmarks.round_robin import RoundRobin, proxying

ROOT = Path(__file__).resolve().parents[1]
POOL = "capstan"
_START_SECONDS = 300
# A worker's runs are in all at most this many, or two processors would be lost in switching.
_LIMIT = 3


@dataclass
class Machine:
    """A process that stands for a machine; when it dies, all that it started dies with it."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> int:
        """Cut the power; gives how many processes died."""
        processes = [psutil.Process(self.process.pid)]
        processes += processes[0].children(recursive=True)
        for one in processes:
            one.kill()
        self.process.wait(30)
        return len(processes)

    @property
    def is_busy(self) -> bool:
        """Whether it has started something that still goes on."""
        return bool(psutil.Process(self.process.pid).children())

    def stop(self) -> None:
        """Let it end by itself, for a while."""
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass
class Cluster:
    """The running machines; `environment` is what a client needs."""

    folder: Path
    url: str
    database: str
    environment: dict[str, str]
    proxy: RoundRobin
    replicas: list[Machine]
    redis: Path
    workers: list[Machine] = field(default_factory=list)

    def start_worker(self, number: int, *, environment: Mapping[str, str]) -> None:
        """Start a worker with homes of its own, as on a machine of its own."""
        name, home = f"worker-{number}", self.folder / f"worker-{number}"
        own = {
            "PREFECT_HOME": str(home / "prefect"),
            "CAPSTAN_HOME": str(home / "capstan"),
            "PREFECT_WORKER_QUERY_SECONDS": "3",
            "PREFECT_WORKER_HEARTBEAT_SECONDS": "10",
            "PREFECT_WORKER_PREFETCH_SECONDS": "3",
        }
        command = ["worker", "start", "--pool", POOL, "--name", name, "--limit", str(_LIMIT)]
        given = {**self.environment, **environment, **own}
        self.workers.append(prefect(name, command, folder=self.folder, environment=given))

    def count_workers(self) -> int:
        """How many workers have told the server of themselves."""
        found = self.ask(f"work_pools/{POOL}/workers/filter")
        return len(found) if isinstance(found, list) else 0

    def ask(self, path: str, **body: object) -> object:
        """Post to the API, and give its answer."""
        answer = requests.post(f"{self.url}/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def prefect(name: str, arguments: list[str], *, folder: Path, environment: Mapping[str, str]) -> Machine:
    """Start one of Prefect's programs; what it says goes into a file."""
    log = folder / f"{name}.log"
    with log.open("wb") as file:
        command = [sys.executable, "-m", "prefect", *arguments]
        started = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, cwd=ROOT, env={**environment}
        )
    return Machine(name, started, log)


@contextmanager
def running_cluster(folder: Path, *, postgres: str) -> Iterator[Cluster]:
    """Start everything but the workers; migrate the database once, before anybody serves it."""
    with ExitStack() as stack:
        redis_port, first, second, front = (_free_port() for _ in range(4))
        stack.enter_context(_serving_redis(folder, port=redis_port))
        database = stack.enter_context(trial_database(postgres))
        url = f"http://127.0.0.1:{front}/api"
        server = _server_environment(folder, database=database, redis=f"redis://127.0.0.1:{redis_port}")
        _migrate(server)
        machines = []
        for port in (first, second):
            machine = prefect(f"replica-{port}", _replica(port), folder=folder, environment=server)
            stack.callback(machine.stop)
            machines.append(machine)
            # One after the other: each registers Prefect's blocks as it starts, and two at once may block.
            _wait_until_healthy(f"http://127.0.0.1:{port}/api/health")
        services = prefect("services", ["server", "services", "start"], folder=folder, environment=server)
        stack.callback(services.stop)
        servers = [("127.0.0.1", first), ("127.0.0.1", second)]
        proxy = stack.enter_context(proxying(servers, port=front))
        client = _client_environment(folder, url=url)
        cluster = Cluster(folder, url, database, client, proxy, machines, folder / "redis")
        yield cluster
        for worker in cluster.workers:
            worker.process.terminate()
        for worker in cluster.workers:
            worker.stop()


def _replica(port: int) -> list[str]:
    return ["server", "start", "--no-services", "--host", "127.0.0.1", "--port", str(port)]


def _client_environment(folder: Path, *, url: str) -> dict[str, str]:
    # Nothing of the caller's own settings, and nothing leaves this machine.
    plain = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CAPSTAN_"))
    }
    return plain | {
        "PREFECT_HOME": str(folder / "client"),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_CLIENT_MAX_RETRIES": "8",
    }


def _server_environment(folder: Path, *, database: str, redis: str) -> dict[str, str]:
    """The settings of `docs/scale.md`, for replicas and services."""
    settings = {
        "DATABASE_CONNECTION_URL": database.replace("postgresql://", "postgresql+asyncpg://"),
        "DATABASE_MIGRATE_ON_START": "false",
        "EVENTS_MESSAGING_BROKER": "prefect_redis.messaging",
        "EVENTS_MESSAGING_CACHE": "prefect_redis.messaging",
        "EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
        "CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
        "DOCKET_URL": f"{redis}/1",
        # Slots of dead runs are free again after this.
        "CONCURRENCY_INITIAL_DEPLOYMENT_LEASE_DURATION": "60",
    }
    plain = _client_environment(folder, url="")
    del plain["PREFECT_API_URL"]
    return {
        **plain,
        **{f"PREFECT_SERVER_{name}": value for name, value in settings.items()},
        "PREFECT_REDIS_MESSAGING_URL": f"{redis}/0",
        "PREFECT_HOME": str(folder / "server"),
    }


@contextmanager
def _serving_redis(folder: Path, *, port: int) -> Iterator[None]:
    program, home = find_redis(ROOT / ".capstan" / "redis"), folder / "redis"
    home.mkdir()
    # Written down without compression, so that what it held can be searched.
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(home), "--rdbcompression", "no"]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen([program, *options], stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_open(port)
        yield
    finally:
        Machine("redis", process, folder / "redis.log").stop()


def _migrate(environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
    subprocess.run(command, check=True, capture_output=True, env={**environment}, cwd=ROOT, timeout=300)


def _wait_until_open(port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("Redis did not start.")


def _wait_until_healthy(url: str) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.3)
    raise RuntimeError(f"{url} does not answer; see the log beside it.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
