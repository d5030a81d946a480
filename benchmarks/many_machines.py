"""Many machines, of which two die: are all due runs ended, none doubled, nothing lost, nothing leaked?

    python -m benchmarks.many_machines [--studies 20] [--seconds 150] [--every 75]

On this machine, from a fresh clone: PostgreSQL (found, or installed as root on Debian), Redis (found, or
fetched into .capstan/redis), a migration, two API replicas without services behind a round robin, the
services apart, three process workers with homes of their own, and a sandbox whose clock goes ten times as
fast as time. Every study polls and sends each `--every` seconds, for `--seconds`, while people change dates.
In the middle one replica and one worker, with all that it runs, are killed with SIGKILL. Planted names and
phones are then searched in all that Prefect stored. The last line is JSON; the exit code is 1 if something is
amiss.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import requests
from cryptography.fernet import Fernet
from pydantic import SecretStr

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/flows")]

from live_study import serving_sandbox  # noqa: E402

from benchmarks.many_machines_findings import (  # noqa: E402
    count_journal,
    count_losses,
    count_runs,
    measure_database,
    open_runs,
    search_planted,
)
from benchmarks.many_machines_servers import POOL, Cluster, running_cluster  # noqa: E402
from benchmarks.many_machines_studies import Site, deploy, environment_of, make_sites  # noqa: E402
from benchmarks.postgres_machine import serving_trial_postgres, trial_database  # noqa: E402
from capstan.store import Store, load_keys  # noqa: E402
from tasks.alarms.automations import ending_dead_runs  # noqa: E402

_SPEED = 10
_WORKERS = 3
# How long servers and workers may take to be there.
_PATIENCE_SECONDS = 240
_UNBEGUN = timedelta(seconds=90)
# Texts that the network took are told of as quickly as the sandbox's clock goes.
_AMISS = ("not_ended", "overlaps", "wrong_cells", "texts_missing", "texts_twice", "texts_not_logged", "leaks")


def run_trial(cluster: Cluster, *, sites: list[Site], options: argparse.Namespace) -> dict[str, Any]:
    """Let people and schedules work, kill in the middle, and wait until all that was due has ended."""
    chance, began = Random(options.seed), time.monotonic()
    killed: dict[str, int] = {}
    while (passed := time.monotonic() - began) < options.seconds:
        # What is changed later than this, no run that is due in time would see.
        if passed < options.seconds - 1.5 * options.every:
            chance.choice(sites).change(chance)
        if not killed and _is_time(cluster, passed / options.seconds):
            killed = {
                "killed_replica": cluster.replicas[0].kill(),
                "killed_worker": cluster.workers[0].kill(),
            }
            say(f"killed a replica, and a worker with what it ran: {killed}")
        time.sleep(0.5)
    until = datetime.now(UTC)
    say("waiting for what is due")
    is_done: Callable[[], bool] = lambda: open_runs(cluster.database, until=until) == 0  # noqa: E731
    # What a dead run left is done by the next one of its deployment, which may find it dead after 3 minutes.
    wait(is_done, seconds=180 + 2 * options.every)
    return {**killed, "refused_turns": cluster.proxy.refused, **count_runs(cluster.database, until=until)}


def _is_time(cluster: Cluster, share: float) -> bool:
    """Whether to kill now: in the middle, once the worker has something to lose, or late without."""
    return share > 0.8 or (share > 0.5 and cluster.workers[0].is_busy)


def wait(is_done: Callable[[], bool], *, seconds: float) -> None:
    """Wait until it is done, or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not is_done():
        time.sleep(1)


def say(text: str) -> None:
    """Tell a person how far it is."""
    print(f"{datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)  # noqa: T201, DTZ005


def main(options: argparse.Namespace) -> int:
    """Run the trial and print its figures."""
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="capstan-machines-")))
        addresses = stack.enter_context(serving_sandbox())
        sites = make_sites(folder, addresses, count=options.studies)
        clock = f"{addresses['control_url']}clock"
        requests.post(clock, json={"speed": _SPEED}, timeout=30).raise_for_status()
        say(f"{len(sites)} studies are in the sandbox")
        postgres = stack.enter_context(serving_trial_postgres())
        store = stack.enter_context(trial_database(postgres))
        with running_cluster(folder, postgres=postgres) as cluster:
            say("PostgreSQL, Redis, two replicas and the services are up")
            work = {**environment_of(sites, addresses), **_own_store(store)}
            cluster.ask("work_pools/", name=POOL, type="process")
            for automation in ending_dead_runs(unbegun=_UNBEGUN):
                cluster.ask("automations/", **automation)
            given = {**cluster.environment, **work, "CAPSTAN_HOME": str(folder / "home")}
            count = deploy(sites, folder / "prefect.yaml", environment=given, every=options.every)
            say(f"{count} deployments are scheduled")
            for number in range(1, _WORKERS + 1):
                cluster.start_worker(number, environment=work)
            wait(lambda: cluster.count_workers() == _WORKERS, seconds=_PATIENCE_SECONDS)
            say("the workers are there")
            figures = run_trial(cluster, sites=sites, options=options)
            database = cluster.database
            figures |= count_losses(sites, addresses) | count_journal(store)
            figures |= measure_database(database)
            leaks = search_planted(database, folder=folder)
        figures |= {"leaks": len(leaks), "leaked_to": leaks, "seconds": round(time.monotonic() - began)}
    amiss = [name for name in _AMISS if figures[name]]
    given_options = {"studies": options.studies, "every_seconds": options.every, "workers": _WORKERS}
    print(json.dumps({"amiss": amiss, **given_options, **figures}))  # noqa: T201
    return 1 if amiss else 0


def _own_store(url: str) -> dict[str, str]:
    """Make our store in PostgreSQL, with a key for all machines."""
    key, sqlalchemy_url = (
        Fernet.generate_key().decode(),
        url.replace("postgresql://", "postgresql+psycopg://"),
    )
    Store.open(sqlalchemy_url, load_keys(SecretStr(key), home=Path("unused"))).close()
    return {"CAPSTAN_STORE": sqlalchemy_url, "CAPSTAN_KEY": key}


def read_options() -> argparse.Namespace:
    """The options of the terminal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=150, help="how long runs become due")
    parser.add_argument("--every", type=int, default=75, help="seconds between two runs of a flow of a study")
    parser.add_argument("--seed", type=int, default=1, help="of what people change")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(read_options()))
