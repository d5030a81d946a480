"""Takes REDCap down under the runs of many studies, and counts requests sent, notices, and runs lost.

Every study polls in a process's thread of its own, again and again. Fails if a study's run failed without
being told, if anybody was told of the outage more than once, or if a study did not go on afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/flows")]

from live_study import serving_sandbox  # noqa: E402

from benchmarks.many_machines_studies import environment_of, make_sites  # noqa: E402

FLOW = "check_deliveries"
PAUSE_SECONDS = 2.0


class Front:
    """Stands before REDCap: hands requests on, or says 503 while it is `down`; counts both."""

    def __init__(self, url: str) -> None:
        self.url, self.down = url, False
        self.counts: Counter[str] = Counter()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve in threads; gives the address that stands for REDCap's."""
        front = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, content = front.answer(body, kind=self.headers["Content-Type"])
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/api/"
            server.shutdown()

    def answer(self, body: bytes, *, kind: str) -> tuple[int, bytes]:
        """The status and content of an answer."""
        self.counts["while down" if self.down else "while up"] += 1
        if self.down:
            return 503, b""
        given = requests.post(self.url, data=body, headers={"Content-Type": kind}, timeout=60)
        return given.status_code, given.content


def poll(study: str, *, until: threading.Event, outcomes: list[tuple[float, str]]) -> None:
    """Run a flow again and again; outcomes get the time and how it ended."""
    from capstan.errors import CapstanError
    from cli.calling import call_here

    while not until.is_set():
        try:
            outcome = str(call_here(FLOW, {"study": study})["outcome"])
        except CapstanError as error:
            outcome = type(error).__name__
        outcomes.append((time.monotonic(), outcome))
        until.wait(PAUSE_SECONDS)


def make_store() -> None:
    """Make the store and its key, as a first run does, before many runs begin at once."""
    from cli.stores import open_store_here

    open_store_here().close()


def trial(folder: Path, addresses: dict[str, Any], *, studies: int, minutes: float) -> dict[str, Any]:
    """Let all studies run, take REDCap down for a while, and look at what came of it."""
    front, stop = Front(addresses["redcap_url"]), threading.Event()
    with front.serving() as url:
        sites = make_sites(folder, addresses, count=studies)
        for site in sites:
            file = site.live.folder / "study.yaml"
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace(site.live.url, url), encoding="utf-8")
        os.environ |= environment_of(sites, addresses) | {"CAPSTAN_HOME": str(folder / "home")}
        make_store()
        ended: dict[str, list[tuple[float, str]]] = {site.live.name: [] for site in sites}
        with ThreadPoolExecutor(studies) as pool:
            for study, outcomes in ended.items():
                pool.submit(poll, study, until=stop, outcomes=outcomes)
            back_at = _take_down(front, ended, minutes=minutes)
            stop.set()
    mails = requests.get(f"{addresses['control_url']}mails", timeout=30).json()["mails"]
    return _figures(ended, front=front, back_at=back_at, subjects=[one["subject"] for one in mails])


def _take_down(front: Front, ended: dict[str, list[tuple[float, str]]], *, minutes: float) -> float:
    """Wait for a run of each study, take REDCap down, bring it back, and wait until all studies go on."""
    _wait(lambda: all(ended.values()), seconds=300)
    front.down = True
    time.sleep(minutes * 60)
    front.down, back_at = False, time.monotonic()
    _wait(lambda: all(_goes_on(one, since=back_at) for one in ended.values()), seconds=45 * 60)
    return back_at


def _goes_on(outcomes: list[tuple[float, str]], *, since: float) -> bool:
    return any(at > since and outcome in ("done", "idle") for at, outcome in outcomes)


def _wait(is_over: Any, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_over() and time.monotonic() < until:
        time.sleep(0.2)


def _figures(
    ended: dict[str, list[tuple[float, str]]], *, front: Front, back_at: float, subjects: list[str]
) -> dict[str, Any]:
    first = [min((at for at, said in one if at > back_at and said in ("done", "idle")), default=None)
             for one in ended.values()]  # fmt: skip
    back = [at - back_at for at in first if at is not None]
    return {
        "studies": len(ended),
        "runs": dict(Counter(outcome for one in ended.values() for _, outcome in one)),
        "requests": dict(front.counts),
        "notices": dict(Counter(subject.partition("] ")[2] for subject in subjects)),
        "seconds until all went on": round(max(back), 1) if back else None,
        "studies that did not go on": len(ended) - len(back),
    }


def main() -> int:
    """Print one JSON line; 1 if something was lost or told twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=2, help="how long REDCap is down")
    given = parser.parse_args()
    with TemporaryDirectory() as folder, serving_sandbox() as addresses:
        found = trial(Path(folder), addresses, studies=given.studies, minutes=given.minutes)
    sys.stdout.write(json.dumps(found) + "\n")
    is_calm = found["notices"].get("REDCap and the runs", 0) <= 2
    return int(not is_calm or bool(found["studies that did not go on"]))


if __name__ == "__main__":
    sys.exit(main())
