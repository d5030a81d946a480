"""`make demo`: the main job from end to end, on the sandbox and a local Prefect server."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.panel import Panel

from capstan.store import load_keys
from cli.showing import console, print_json, show_stopped, show_summary
from studies.demo.generate import import_rows
from studies.demo.quality import look_at_quality
from studies.demo.reminders import send_reminders
from studies.demo.scans import follow_scans
from studies.demo.servers import demo_servers, sandbox_with_trial

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".capstan" / "demo"
STUDY = "demo"
FLOWS = (
    "compute_visit_dates",
    "check_eligibility",
    "import_records",
    "revert_run",
    "poll_participants",
    "send_messages",
    "check_deliveries",
    "check_replies",
    "ingest_triggers",
    "run_monitors",
    "data_quality",
)


def main(arguments: list[str]) -> int:
    """Run the demo; returns the exit code."""
    options = _options(arguments)
    # So that the servers are stopped too, however the demo is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console.quiet = options.json
    started = time.monotonic()
    today = datetime.now(ZoneInfo("America/Los_Angeles")).date()
    _fresh_home()
    with (
        sandbox_with_trial(today) as sandbox,
        demo_servers(HOME, control_url=sandbox.control_url, meanwhile=_import_flows) as pages,
    ):
        console.print(
            Panel(
                f"The Tooth Fairy Trial: 120 invented participants, in a sandbox that acts as REDCap.\n"
                f"Sandbox    {sandbox.control_url}\nDashboard  {pages}/dashboard",
                title="Capstan",
            )
        )
        file = HOME / "exams.csv"
        bad = import_rows(today)
        file.write_text(bad.text, encoding="utf-8")
        summary = _run_all(file, pages=pages)
        step = partial(_step, pages=pages)
        summary["messages"] = send_reminders(step, study=STUDY, control_url=sandbox.control_url)
        summary |= follow_scans(step, study=STUDY, today=today, sandbox=sandbox)
        summary["queries"] = look_at_quality(step, study=STUDY, sandbox=sandbox)
        summary["study_page"] = _study_page()
        summary["seconds"] = round(time.monotonic() - started, 1)
        if options.json:
            print_json(summary)
        else:
            console.print(f"\nAll of it took {summary['seconds']} s.")
        if not options.no_wait:
            _wait(pages)
    return 0


def _import_flows() -> None:
    """Import what the steps would import one by one, which takes about as long as the servers' start."""
    for flow in FLOWS:
        import_module(f"flows.{flow}")
    import_module("capstan.expectations.drawing")


def _run_all(file: Path, *, pages: str) -> dict[str, Any]:
    visits = _step("1. Who is due? Visit dates for everybody", "compute_visit_dates", pages=pages)
    again = _step("2. Once more: nothing changed, so nothing is written", "compute_visit_dates", pages=pages)
    eligible = _step("3. Who is eligible, and why not?", "check_eligibility", pages=pages)
    said = "4. Import a file with good rows and every kind of bad row"
    imported = _step(said, "import_records", pages=pages, file=str(file))
    _show_stopped(str(imported["run"]))
    said = "5. Undo that import"
    reverted = _step(said, "revert_run", pages=pages, run=imported["run"])
    polled = _step(
        "6. Poll: everybody is new to the first one, and nothing is left to write",
        "poll_participants",
        pages=pages,
    )
    written = (visits, again, eligible, imported, polled)
    return {
        "rows_stopped": imported["rows_stopped"],
        "rows_accepted": imported["rows_accepted"],
        "cells_written": sum(int(step["cells_written"]) for step in written),
        "cells_written_by_second_run": again["cells_written"],
        "cells_reverted": reverted["cells_reverted"],
        "visits": visits["visits"],
        "eligibility": eligible["eligibility"],
        "dashboard": f"{pages}/dashboard",
        "import_run_page": _page(imported, pages=pages),
    }


def _step(said: str, flow: str, *, pages: str, **parameters: Any) -> dict[str, Any]:
    from cli.calling import call_flow

    console.rule(said, align="left")
    summary = call_flow(flow, {"study": STUDY, **parameters})
    show_summary(summary)
    console.print(f"[dim]{_page(summary, pages=pages)}[/dim]\n")
    return summary


def _show_stopped(run: str) -> None:
    from capstan.store import find_run, read_verdicts
    from cli.stores import open_store_here

    with open_store_here() as store:
        verdicts = read_verdicts(store, find_run(store, run))
    show_stopped(verdicts[verdicts["severity"] == "error"])


def _page(summary: Mapping[str, Any], *, pages: str) -> str:
    return f"{pages}/runs/flow-run/{summary['flow_run']}"


def _study_page() -> str:
    from tasks.pages.study_page import page_path

    page = str(page_path(STUDY))
    console.print(f"The page of the study, for any browser: {page}")
    return page


def _fresh_home() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True, mode=0o700)
    os.environ["CAPSTAN_HOME"] = str(HOME / "home")
    load_keys(None, home=HOME / "home")  # here, so that no run needs to say that it made one
    for name in ("CAPSTAN_STORE", "CAPSTAN_KEY", "CAPSTAN_STUDIES", "CAPSTAN_CRASH_AT"):
        os.environ.pop(name, None)
    os.chdir(ROOT)


def _wait(pages: str) -> None:
    console.print(f"The pages stay up: {pages}/dashboard. Press Ctrl-C to end.")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("Ended.")


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON line, last")
    parser.add_argument("--no-wait", action="store_true", help="exit instead of leaving the pages up")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
