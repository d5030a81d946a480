"""The receiver under load, on SQLite and on PostgreSQL: how many notices a second, how long, and none lost.

    python -m benchmarks.receiver [notices] [workers] [folder]

32 connections post as fast as they are answered. Then the same again, and the receiver is killed in the
middle: everything that was answered with 2xx must be in the store. The store is kept in `folder`, so that its
disk is the one that is measured.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/adapters")]

from postgres_server import serving_postgres  # noqa: E402
from receiver_load import STUDY_FILE, Load, serving, tell_all  # noqa: E402

from capstan.store import Store, load_keys  # noqa: E402
from capstan.store.inbox_tables import INBOX  # noqa: E402
from tasks.receiving import trigger_secrets  # noqa: E402

KILL_AFTER_SECONDS = 1.5


def measure(name: str, url: str, *, notices: int, workers: int, folder: Path) -> None:
    """Print the line of one store."""
    environment = _environment(url, folder)
    path = f"/redcap/{trigger_secrets(load_keys(None, home=folder), 'demo')[0]}"
    with serving(environment, workers=workers) as (address, _):
        load = tell_all(address + path, range(notices))
    _print(f"{name}, {workers} workers", load, lost_and_doubled(url, folder, load))
    with serving(environment, workers=workers) as (address, process):
        threading.Timer(KILL_AFTER_SECONDS, process.kill).start()
        load = tell_all(address + path, range(notices, 2 * notices))
    # The workers notice the death of the process that started them.
    time.sleep(2)
    _print("  killed in the middle", load, lost_and_doubled(url, folder, load))


def lost_and_doubled(url: str, folder: Path, load: Load) -> tuple[int, int]:
    """How many that were answered 2xx are not in the store, and how many are there more than once."""
    with Store.open(url, load_keys(None, home=folder)) as store, store.read() as connection:
        sealed = connection.execute(select(INBOX.c.sealed)).scalars()
        records = Counter(json.loads(store.keys.unseal(each))["record"] for each in sealed)
    kept = [f"R-{number}" for number in load.kept]
    return sum(name not in records for name in kept), sum(records[name] > 1 for name in kept)


def _environment(url: str, folder: Path) -> dict[str, str]:
    (folder / "studies/demo").mkdir(parents=True)
    (folder / "studies/demo/study.yaml").write_text(STUDY_FILE)
    known = {"CAPSTAN_HOME": folder, "CAPSTAN_STORE": url, "CAPSTAN_STUDIES": folder / "studies"}
    return {**os.environ, **{name: str(value) for name, value in known.items()}}


def _print(what: str, load: Load, wrong: tuple[int, int]) -> None:
    rate = len(load.kept) / load.took
    print(  # noqa: T201
        f"{what:24} {len(load.kept):6} kept, {rate:5.0f}/s, p50 {load.quantile(0.5):4.1f} ms, "
        f"p99 {load.quantile(0.99):5.1f} ms, refused {load.refused}, lost {wrong[0]}, doubled {wrong[1]}",
        flush=True,
    )


def main(arguments: Sequence[str]) -> None:
    """Print both stores' lines."""
    notices, workers, where = [*arguments, *("20000", "2", "")[len(arguments) :]]
    known = {"notices": int(notices), "workers": int(workers)}
    with tempfile.TemporaryDirectory(dir=where or None) as folder:
        home = Path(folder)
        measure("SQLite", f"sqlite:///{home / 'store.sqlite'}", folder=home, **known)
    with (
        tempfile.TemporaryDirectory(dir=where or None) as folder,
        serving_postgres(where or None) as postgres,
        postgres.new_database() as url,
    ):
        measure("PostgreSQL", url, folder=Path(folder), **known)


if __name__ == "__main__":
    main(sys.argv[1:])
